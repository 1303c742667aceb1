//! Every SQL statement of this service. All are static; a test has PostgreSQL prepare each of them.

/// A row of `result_summary`.
pub(crate) const SUMMARY_INSERT: &str = "
insert into result_summary_v1
    (result_id, number, status, version, author, patient_id, created_at, updated_at, notification)
values ($1, $2, $3, $4, $5, $6, $7, $7, 'pending')";

/// Another status.
pub(crate) const SUMMARY_STATUS: &str = "
update result_summary_v1 set status = $2, version = $3, updated_at = $4 where result_id = $1";

/// What was heard of the mail; the result's own version and time stay.
pub(crate) const SUMMARY_NOTIFICATION: &str = "
update result_summary_v1 set notification = $2, notification_code = $3, notification_at = $4 where result_id = $1";

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

/// A result whose patient has to be called; the first time counts for the order of the list.
pub(crate) const CALL_PUT: &str = "
insert into call_list_v1 as due (result_id, state, code, notification_id, since)
values ($1, $2, $3, $4, $5)
on conflict on constraint call_list_v1_pk
do update set state = excluded.state, code = excluded.code, notification_id = excluded.notification_id";

/// The patient was reached.
pub(crate) const CALL_REMOVE: &str = "delete from call_list_v1 where result_id = $1";

/// A page of the worklist, the longest waiting first. Nobody is called about a withdrawn result.
pub(crate) const CALL_PAGE: &str = "
select due.result_id, summary.number, summary.status, summary.patient_id, due.state, due.code, due.since
from call_list_v1 due join result_summary_v1 summary using (result_id)
where ($1::timestamptz is null or (due.since, due.result_id) > ($1, $2))
  and summary.status not in ('cancelled', 'entered_in_error')
order by due.since, due.result_id
limit $3";

/// A row of `access_log`.
pub(crate) const ACCESS_INSERT: &str = "
insert into access_log_v1 (event_id, result_id, reader, role, access, shown, at, correlation_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)";

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
    ("access_insert", ACCESS_INSERT),
    ("access_page", ACCESS_PAGE),
];
