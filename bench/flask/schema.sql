create table account (
  id bigint generated always as identity constraint account_pk primary key,
  username text not null constraint account_username unique,
  password text not null
);
create table result (
  number bigint generated always as identity constraint result_pk primary key,
  patient text not null,
  result text not null,
  author bigint not null constraint result_author references account,
  created_at timestamptz not null default now()
);
