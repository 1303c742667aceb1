-- $1 id, $2 what, $3 to what: keys of a purpose, or `messages`, $4 which of them, $5 reason, $6 operating-system user, $7 host
insert into break_glass (id, what, purpose, about, reason, os_user, host) values ($1, $2, $3, $4, $5, $6, $7)
