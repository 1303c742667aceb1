"""Reads and writes a topic as anybody can who has the official client and may use the broker.

    client.py read  SERVICE ADMIN TENANT/NAMESPACE/TOPIC COUNT    the first COUNT messages, a line of JSON each
    client.py forge SERVICE ADMIN TENANT/NAMESPACE/TOPIC          sends the first message's record again as another event,
                                                                  without the headers of a service

The schema is the registry's newest. Bytes are shown as {"bytes": "hexadecimal digits"}.
"""
import datetime
import json
import sys
import urllib.request
import uuid

import pulsar
from pulsar.schema import AvroSchema

PATIENCE_MILLIS = 60_000


def registered_schema(admin, topic):
    with urllib.request.urlopen(f"{admin}/admin/v2/schemas/{topic}/schema", timeout=60) as answer:
        return AvroSchema(None, schema_definition=json.loads(json.load(answer)["data"]))


def shown(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


def read(client, topic, schema, count):
    reader = client.create_reader(topic, pulsar.MessageId.earliest, schema=schema)
    for _ in range(count):
        message = reader.read_next(PATIENCE_MILLIS)
        yield message
    reader.close()


def main():
    command, service, admin, topic, *rest = sys.argv[1:]
    client = pulsar.Client(service, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    schema, name = registered_schema(admin, topic), f"persistent://{topic}"
    if command == "read":
        for message in read(client, name, schema, int(rest[0])):
            told = {"key": message.partition_key(), "properties": message.properties(), "record": message.value(),
                    "payload": message.data()}
            print(json.dumps(told, default=shown))
    elif command == "forge":
        (message,) = read(client, name, schema, 1)
        record = message.value() | {"event_id": str(uuid.uuid4()), "stream_id": str(uuid.uuid4())}
        producer = client.create_producer(name, schema=schema, batching_enabled=False)
        producer.send(record, partition_key=record["stream_id"])
        producer.close()
    else:
        sys.exit(__doc__)
    client.close()


main()
