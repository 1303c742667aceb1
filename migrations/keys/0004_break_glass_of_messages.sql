-- Not only keys are touched past the gateway: messages are published again. What is done is named by the code that does it,
-- so a deed of a later release needs no migration.
alter table break_glass
  drop constraint break_glass_what_known,
  drop constraint break_glass_purpose_known,
  add constraint break_glass_what_is_a_name check (what ~ '^[a-z][a-z_]{1,40}$'),
  -- Of keys their purpose, of messages `messages`.
  add constraint break_glass_purpose_is_a_name check (purpose ~ '^[a-z][a-z_]{1,40}$'),
  -- Which of them: ids, codes, numbers.
  add column about text;
