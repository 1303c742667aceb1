-- $1 id, $2 what, $3 purpose, $4 reason, $5 operating-system user, $6 host
insert into break_glass (id, what, purpose, reason, os_user, host) values ($1, $2, $3, $4, $5, $6)
