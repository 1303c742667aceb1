// Emmett and message-db behind the same protocol as bench/store's workers (src/protocol.rs): one line of JSON in, one
// line out. message-db is its functions in the database, called through `pg` as its documentation has them.
//
// node worker.mjs SYSTEM SOCKET_DIRECTORY
import { isExpectedVersionConflictError } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';

const [system, socket] = process.argv.slice(2);
const PATIENTS = 1000;
const LONG_STREAMS = 10;
const LONG = 10_000;
const SHORT = 100;
const STREAMS = LONG_STREAMS + (1_000_000 - LONG_STREAMS * LONG) / SHORT;

const options = system === 'message_db' ? '-c search_path=message_store,public' : undefined;
const pool = new pg.Pool({ host: socket, port: 5432, user: 'bench', database: system, max: 10, options });

const numbered = (number) => ({
  patient: `01900000-0000-7001-8000-${(number % PATIENTS).toString(16).padStart(12, '0')}`,
  code: '8867-4',
  value: number % 1000,
  unit: '/min',
  status: 'final',
  device: `monitor-${String(number % 100).padStart(4, '0')}`,
  taken_at: 1_767_225_600_000_000 + number,
  note: 'taken at rest, sitting',
});

const seededStream = (number) => `chart-01900000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

const seededIn = (number) =>
  number < LONG_STREAMS ? [number * LONG, LONG] : [LONG_STREAMS * LONG + (number - LONG_STREAMS) * SHORT, SHORT];

// RFC 9562, version 7.
const uuid7 = () => {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

const emmett = async () => {
  const store = getPostgreSQLEventStore('', { connectionOptions: { pool }, schema: { autoMigration: 'None' } });
  const event = (vital) => ({ type: 'VitalTaken', data: vital });
  const load = async (stream) => {
    const { state, currentStreamVersion } = await store.aggregateStream(stream, {
      initialState: () => ({ events: 0, sum: 0 }),
      evolve: (chart, { data }) => ({ events: chart.events + 1, sum: chart.sum + data.value }),
    });
    return { chart: state, version: currentStreamVersion };
  };
  return {
    prepare: () => store.schema.migrate(),
    append: async (stream, vitals) => {
      await store.appendToStream(stream, vitals.map(event), { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' });
    },
    load,
    extend: async (stream, version, vital) => {
      try {
        await store.appendToStream(stream, [event(vital)], {
          expectedStreamVersion: version === 0n ? 'STREAM_DOES_NOT_EXIST' : version,
        });
        return true;
      } catch (error) {
        if (isExpectedVersionConflictError(error)) return false;
        throw error;
      }
    },
  };
};

const messageDb = async () => {
  const write = 'select write_message($1, $2, $3, $4, $5, $6)';
  const writing = (stream, vital, expected) => ({
    name: 'write',
    text: write,
    values: [randomUUID(), stream, 'VitalTaken', JSON.stringify(vital), null, expected],
  });
  return {
    prepare: async () => {
      const resolve = createRequire(import.meta.url).resolve;
      const database = join(dirname(resolve('@eventide/message-db/package.json')), 'database');
      await promisify(execFile)('bash', [join(database, 'install.sh')], {
        env: { ...process.env, PGHOST: socket, PGPORT: '5432', PGUSER: 'bench', DATABASE_NAME: system, CREATE_DATABASE: 'off' },
      });
    },
    // Several messages of one command are one transaction.
    append: async (stream, vitals) => {
      if (vitals.length === 1) return void (await pool.query(writing(stream, vitals[0], -1)));
      const client = await pool.connect();
      try {
        await client.query('begin');
        for (const [n, vital] of vitals.entries()) await client.query(writing(stream, vital, n - 1));
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    load: async (stream) => {
      const text = 'select position, data from get_stream_messages($1, 0, -1)';
      const { rows } = await pool.query({ name: 'read', text, values: [stream] });
      const chart = { events: 0, sum: 0 };
      for (const { data } of rows) {
        chart.events += 1;
        chart.sum += JSON.parse(data).value;
      }
      return { chart, version: BigInt(rows.length) };
    },
    extend: async (stream, version, vital) => {
      try {
        await pool.query(writing(stream, vital, (version - 1n).toString()));
        return true;
      } catch (error) {
        if (error.message.startsWith('Wrong expected version')) return false;
        throw error;
      }
    },
  };
};

// A closed load, as src/load.rs has it.
const run = async (tasks, seconds, ask) => {
  const begun = performance.now();
  const times = [];
  const chart = { events: 0, sum: 0 };
  let number = 0;
  let lost = 0;
  await Promise.all(
    Array.from({ length: tasks }, async () => {
      while (performance.now() - begun < seconds * 1000) {
        const asked = performance.now();
        const answer = await ask(number++);
        times.push(Math.round((performance.now() - asked) * 1000));
        chart.events += answer.chart.events;
        chart.sum += answer.chart.sum;
        lost += answer.lost ?? 0;
      }
    }),
  );
  const took = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const quantile = (percent) => times[Math.min(Math.floor((times.length * percent) / 100), times.length - 1)];
  return { done: times.length, chart, lost, seconds: took, p50: quantile(50), p99: quantile(99) };
};

const work = async (store, request) => {
  switch (request.work) {
    case 'prepare':
      await store.prepare();
      return {};
    case 'append':
      return run(request.writers, request.seconds, async (number) => {
        const vitals = Array.from({ length: request.events }, (_, n) => numbered(number * request.events + n));
        await store.append(`chart-${uuid7()}`, vitals);
        return { chart: { events: vitals.length, sum: vitals.reduce((sum, vital) => sum + vital.value, 0) } };
      });
    case 'load': {
      const [first, streams] = request.events === LONG ? [0, LONG_STREAMS] : [LONG_STREAMS, STREAMS - LONG_STREAMS];
      return run(request.readers, request.seconds, async (number) => {
        const stream = first + ((number * 7919) % streams);
        const { chart } = await store.load(seededStream(stream));
        const [from, events] = seededIn(stream);
        let sum = 0;
        for (let n = from; n < from + events; n++) sum += n % 1000;
        if (chart.events !== events || chart.sum !== sum) throw new Error(`loaded ${JSON.stringify(chart)}`);
        return { chart };
      });
    }
    case 'hot': {
      const stream = `chart-${uuid7()}`;
      return run(request.writers, request.seconds, async (number) => {
        const vital = numbered(number);
        for (let lost = 0; ; lost++) {
          const { version } = await store.load(stream);
          if (await store.extend(stream, version, vital)) return { chart: { events: 1, sum: vital.value }, lost };
        }
      });
    }
    default:
      throw new Error(`no such work: ${request.work}`);
  }
};

const tell = (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`);
const store = await (system === 'emmett' ? emmett() : messageDb());
tell({});
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await work(store, JSON.parse(line));
  } catch (error) {
    reply = { error: String(error?.message ?? error) };
  }
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  tell({ ...reply, peak });
}
await pool.end();
