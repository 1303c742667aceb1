//! Every SQL statement of this service. All are static; a test has PostgreSQL prepare each of them.

/// A row of `result_summary`.
pub(crate) const SUMMARY_INSERT: &str = "
insert into result_summary_v1
    (result_id, number, status, version, author, patient_id, created_at, updated_at, notification)
select result_id, number, status, version, author, patient_id, at, at, 'pending'
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::int[], $5::uuid[], $6::uuid[], $7::timestamptz[])
    as created(result_id, number, status, version, author, patient_id, at)";

/// Other statuses.
pub(crate) const SUMMARY_STATUS: &str = "
update result_summary_v1 summary set status = new.status, version = new.version, updated_at = new.at
from unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[]) as new(result_id, status, version, at)
where summary.result_id = new.result_id";

/// What was heard of mails; the results' own versions and times stay.
pub(crate) const SUMMARY_NOTIFICATION: &str = "
update result_summary_v1 summary
set notification = heard.state, notification_code = heard.code, notification_at = heard.at
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as heard(result_id, state, code, at)
where summary.result_id = heard.result_id";

/// A page of results, newest first.
pub(crate) const SUMMARY_PAGE: &str = "
select result_id, number, status, version, author, patient_id, created_at, updated_at, notification
from result_summary_v1
where ($1::bigint is null or number < $1)
  and ($2::uuid is null or patient_id = $2)
  and ($3::text is null or status = $3)
  and ($4::text is null or notification = $4)
  and ($5::timestamptz is null or created_at >= $5)
  and ($6::timestamptz is null or created_at < $6)
order by number desc
limit $7";

/// When the newest entry of a subject was made; nothing when there is none.
pub(crate) const NEWEST_ENTRY: &str = "
select max(updated_at) from result_summary_v1 where patient_id = $1 or (result_id = $1 and patient_id is null)";

/// Results whose patients have to be called; the first time counts for the order of the list.
pub(crate) const CALL_PUT: &str = "
insert into call_list_v1 as due (result_id, state, code, notification_id, since)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
on conflict on constraint call_list_v1_pk
do update set state = excluded.state, code = excluded.code, notification_id = excluded.notification_id";

/// Patients were reached.
pub(crate) const CALL_REMOVE: &str = "delete from call_list_v1 where result_id = any($1)";

/// A page of the worklist, the longest waiting first. Nobody is called about a withdrawn result.
pub(crate) const CALL_PAGE: &str = "
select due.result_id, summary.number, summary.status, summary.patient_id, due.state, due.code, due.since
from call_list_v1 due join result_summary_v1 summary using (result_id)
where ($1::timestamptz is null or (due.since, due.result_id) > ($1, $2))
  and summary.status not in ('cancelled', 'entered_in_error')
order by due.since, due.result_id
limit $3";

/// Rows of `access_log`.
pub(crate) const ACCESS_INSERT: &str = "
insert into access_log_v1 (event_id, result_id, reader, role, access, shown, at, correlation_id)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int2[], $5::text[], $6::int[], $7::timestamptz[],
    $8::uuid[])";

/// A page of a result's readers, latest first.
pub(crate) const ACCESS_PAGE: &str = "
select event_id, reader, role, access, at, correlation_id
from access_log_v1
where result_id = $1 and ($2::timestamptz is null or (at, event_id) < ($2, $3))
order by at desc, event_id desc
limit $4";

/// Every statement, by name.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("summary_insert", SUMMARY_INSERT),
    ("summary_status", SUMMARY_STATUS),
    ("summary_notification", SUMMARY_NOTIFICATION),
    ("summary_page", SUMMARY_PAGE),
    ("call_put", CALL_PUT),
    ("call_remove", CALL_REMOVE),
    ("call_page", CALL_PAGE),
    ("newest_entry", NEWEST_ENTRY),
    ("access_insert", ACCESS_INSERT),
    ("access_page", ACCESS_PAGE),
];
