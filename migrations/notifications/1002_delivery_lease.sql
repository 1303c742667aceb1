-- Who is mailing what just now, so that several senders do not mail the same. Not history: a lost row costs at most a
-- second mail with the same Message-ID.
create table delivery_lease (
    notification uuid        not null,
    holder       uuid        not null,
    leased_until timestamptz not null,
    constraint delivery_lease_pk primary key (notification)
);
