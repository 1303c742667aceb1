-- Projection $1 of version $2 stands at $3 epoch, $4 tx, $5 position.
update projection_checkpoint
set epoch = $3, tx = $4::bigint::text::xid8, position = $5, moved_at = now()
where name = $1 and version = $2
