"""What this kind of system is usually built on: Flask, PostgreSQL and a JWT, one plain row per result.

Where it could be slower than need be it is not: the password hash has the platform's own parameters, the connections
are kept and in autocommit, so a request is one statement.
"""
import os
import time

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from flask import Flask, abort, request
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

LIFETIME = 3600
THREADS = int(os.environ["THREADS"])
SECRET = os.environ["JWT_SECRET"]

app = Flask(__name__)
passwords = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# The server's address comes from libpq's environment.
pool = ConnectionPool(
    min_size=THREADS, max_size=THREADS, open=True, kwargs={"autocommit": True, "row_factory": dict_row}
)


def one(statement, values):
    with pool.connection() as connection:
        return connection.execute(statement, values).fetchone()


def signed_in():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return int(jwt.decode(token, SECRET, algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        abort(401)


@app.post("/users")
def register():
    body = request.get_json()
    statement = "insert into account (username, password) values (%s, %s) returning id, username"
    return one(statement, (body["username"], passwords.hash(body["password"]))), 201


@app.post("/login")
def log_in():
    body = request.get_json()
    account = one("select id, password from account where username = %s", (body["username"],))
    try:
        passwords.verify(account["password"] if account else "", body["password"])
    except (VerificationError, ValueError):
        abort(401)
    claims = {"sub": str(account["id"]), "exp": int(time.time()) + LIFETIME}
    return {"access_token": jwt.encode(claims, SECRET, algorithm="HS256"), "expires_in": LIFETIME}


@app.post("/results")
def file_result():
    author, body = signed_in(), request.get_json()
    statement = "insert into result (patient, result, author) values (%s, %s, %s) returning number, created_at"
    return one(statement, (body["patient"], body["result"], author)), 201


@app.get("/results/<int:number>")
def read_result(number):
    signed_in()
    statement = "select number, patient, result, author, created_at from result where number = %s"
    return one(statement, (number,)) or abort(404)
