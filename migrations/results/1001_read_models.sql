-- The read models of the results service. Every row is a fold of this service's events and nothing else; none holds a
-- clinical value, a name or an address.

create table result_summary_v1 (
    result_id         uuid        not null,
    number            bigint      not null,
    status            text        not null,
    version           integer     not null,
    author            uuid,
    patient_id        uuid,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    notification      text        not null,
    notification_code text,
    notification_at   timestamptz,
    constraint result_summary_v1_pk primary key (result_id),
    constraint result_summary_v1_number unique (number)
);
-- A patient's own list, newest first.
create index result_summary_v1_patient on result_summary_v1 (patient_id, number desc) where patient_id is not null;

-- The results whose patients somebody has to call.
create table call_list_v1 (
    result_id       uuid        not null,
    state           text        not null,
    code            text        not null,
    notification_id uuid        not null,
    since           timestamptz not null,
    constraint call_list_v1_pk primary key (result_id),
    constraint call_list_v1_state check (state in ('failed', 'suppressed'))
);
create index call_list_v1_order on call_list_v1 (since, result_id);

-- Who was shown what, and when. A page of a list has no result.
create table access_log_v1 (
    event_id       uuid        not null,
    result_id      uuid,
    reader         uuid        not null,
    role           smallint    not null,
    access         text        not null,
    shown          integer     not null,
    at             timestamptz not null,
    correlation_id uuid        not null,
    constraint access_log_v1_pk primary key (event_id),
    constraint access_log_v1_access check (access in ('result', 'history', 'list'))
);
create index access_log_v1_result on access_log_v1 (result_id, at desc, event_id desc) where result_id is not null;

do $$
declare
    service_role text := nullif(current_setting('historia.service_role', true), '');
begin
    if service_role is not null then
        execute format('grant select, insert, update, delete on result_summary_v1, call_list_v1, access_log_v1 to %I',
            service_role);
    end if;
end $$;
