-- Whether a notification about $1 follows from its version $2 or a later one.
select exists (select from notification_v1 where about = $1 and source_version >= $2)
