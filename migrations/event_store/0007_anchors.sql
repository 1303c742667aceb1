-- What the log was at one moment, signed: the place of its last event, how many events there were, and a digest over
-- the place and hash of each. Copies that left this server are what they are for.
create table anchor (
  epoch smallint not null,
  tx xid8 not null,
  position bigint not null,
  events bigint not null,
  root bytea not null,
  taken_at timestamptz not null,
  public_key bytea not null,
  signature bytea not null,
  constraint anchor_pk primary key (epoch, tx, position),
  constraint anchor_root_is_sha256 check (octet_length(root) = 32),
  constraint anchor_key_is_ed25519 check (octet_length(public_key) = 32),
  constraint anchor_signature_is_ed25519 check (octet_length(signature) = 64)
);
-- Taken by the owner alone.
do $$
declare
  role text := nullif(current_setting('historia.service_role', true), '');
begin
  if role is not null then
    execute format('revoke insert, update, delete on anchor from %I', role);
  end if;
end
$$;
