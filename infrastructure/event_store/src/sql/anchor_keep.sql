-- Keeps an anchor: $1 epoch, $2 tx, $3 position, $4 events, $5 root, $6 when, $7 public key, $8 signature.
insert into anchor (epoch, tx, position, events, root, taken_at, public_key, signature)
values ($1, $2::bigint::text::xid8, $3, $4, $5, $6, $7, $8)
on conflict on constraint anchor_pk do nothing
