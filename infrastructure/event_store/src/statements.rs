//! Every SQL statement of the crate, in one place: a test prepares them all on a migrated database.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*

        /// Name and text of every statement.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

statements! {
    /// One group of appends.
    APPEND = include_str!("sql/append.sql");
    /// A stream's first event, when its append is alone and takes no keys.
    APPEND_FIRST = concat!(include_str!("sql/append_first.sql"), include_str!("sql/append_alone.sql"));
    /// A stream's next event, when its append is alone and takes no keys.
    APPEND_NEXT = concat!(include_str!("sql/append_next.sql"), include_str!("sql/append_alone.sql"));
    /// Why an append did not take effect.
    CLASSIFY = include_str!("sql/classify.sql");
    /// Pages of streams.
    READ_STREAMS = include_str!("sql/read_streams.sql");
    /// A page of the global order.
    READ_ALL = include_str!("sql/read_all.sql");
    /// The last event's place in the global order.
    LATEST = include_str!("sql/latest.sql");
    /// The end of a stream.
    HEAD = "select version, last_hash from stream where stream_id = $1";
    /// What became of commands.
    FIND_COMMANDS = "select command_id, stream_id, version, correlation_id, digest from command_done \
        where command_id = any($1)";
    /// Who holds unique keys: kinds $1, keys $2; which of them, and the holder.
    FIND_CLAIMS = "select asked.n, claim.stream_id \
        from unnest($1::int2[], $2::bytea[]) with ordinality as asked(kind, key, n) \
        join claim using (kind, key)";
    /// The next $1 running numbers.
    NEXT_NUMBERS = "select nextval('running_number') from generate_series(1, $1)";

    /// The current epoch, and whether its transaction ids are this cluster's own.
    EPOCH_CHECK = include_str!("sql/epoch_check.sql");
    /// Opens the next epoch.
    EPOCH_OPEN = "insert into epoch (number) select max(number) + 1 from epoch returning number";

    /// For what can be had again from the log: the commit does not wait for the disk.
    COMMIT_WITHOUT_WAITING = "select set_config('synchronous_commit', 'off', true)";
    /// For long reads without a transaction id, which hold nobody back.
    NO_TIME_LIMITS = "select set_config('statement_timeout', '0', true), \
        set_config('idle_in_transaction_session_timeout', '0', true)";

    /// Where a reader stands.
    CHECKPOINT_LOAD = "select epoch, tx::text::bigint, position from checkpoint where name = $1";
    /// Where a reader stands now.
    CHECKPOINT_SAVE = include_str!("sql/checkpoint_save.sql");

    /// A projection's first row.
    PROJECTION_OPEN = "insert into projection_checkpoint (name, version) values ($1, $2) on conflict do nothing";
    /// Where a projection stands.
    PROJECTION_LOAD = include_str!("sql/projection_load.sql");
    /// Locks a projection's row, wherever it stands.
    PROJECTION_LOCK = include_str!("sql/projection_lock.sql");
    /// Moves a projection on, if it stands where the batch was read, and locks its row.
    PROJECTION_ADVANCE = include_str!("sql/projection_advance.sql");
    /// Says that a projection has caught up for the first time.
    PROJECTION_LIVE = "update projection_checkpoint set state = 'live' \
        where name = $1 and version = $2 and state <> 'live'";
    /// Makes a projection stand still.
    PROJECTION_PAUSE = include_str!("sql/projection_pause.sql");
    /// Lets a paused projection go on.
    PROJECTION_RESUME = "update projection_checkpoint set paused_at = null, paused_by = null, pause_reason = null \
        where name = $1 and version = $2 and paused_at is not null";
    /// Where a projection stands, and who paused it.
    PROJECTION_STANDING = include_str!("sql/projection_standing.sql");
    /// Where the event of stream $1 and version $2 stands in the global order.
    EVENT_PLACE = "select epoch, tx::text::bigint, position from event where stream_id = $1 and version = $2";
    /// How many events come after a checkpoint, and when the first of them happened.
    EVENTS_AFTER = include_str!("sql/events_after.sql");
    /// One rebuild or verification of a projection at a time, as long as the connection lives.
    SCRATCH_LOCK = "select pg_try_advisory_lock(hashtextextended('historia.projection.' || $1, 0))";
    /// Makes empty tables like the live ones.
    SCRATCH_PREPARE = "select projection_prepare($1, $2)";
    /// Drops them.
    SCRATCH_DROP = "select projection_drop($1, $2)";
    /// Lets unqualified names mean the scratch tables.
    SCRATCH_PATH = "select set_config('search_path', $1 || ', public', true)";
    /// Gives up rather than hold others back while waiting for a table.
    SCRATCH_PATIENCE = "select set_config('lock_timeout', '150ms', true)";
    /// Puts the rebuilt tables in the live ones' place.
    SCRATCH_SWAP = "select projection_swap($1)";
    /// The generation after a swap.
    PROJECTION_SWAPPED = include_str!("sql/projection_swapped.sql");
    /// Whether a rebuild or verification is under way.
    SCRATCH_LOCKED = include_str!("sql/scratch_locked.sql");
    /// How far a rebuild got.
    REBUILD_LOAD = include_str!("sql/rebuild_load.sql");
    /// A rebuild begins.
    REBUILD_BEGIN = include_str!("sql/rebuild_begin.sql");
    /// A rebuild is further on, or finished.
    REBUILD_ADVANCE = include_str!("sql/rebuild_advance.sql");
    /// Whether what a rebuild left can be gone on with.
    REBUILD_CAN_GO_ON = include_str!("sql/rebuild_can_go_on.sql");
    /// How large tables are.
    TABLE_SIZES = include_str!("sql/table_sizes.sql");
    /// The rows of a table as key and digest, in the order of the keys.
    PROJECTION_ROWS = "select key, digest from projection_rows($1, $2)";

    /// The first event at or after a bound.
    PLACE_FROM = include_str!("sql/place_from.sql");
    /// The last event at or before a bound.
    PLACE_TO = include_str!("sql/place_to.sql");
    /// How many events a part of the log has.
    PART_COUNT = include_str!("sql/part_count.sql");

    /// Events that fit a question.
    SEARCH = include_str!("sql/search.sql");
    /// Streams, the one that was appended to last first.
    NEWEST_STREAMS = include_str!("sql/newest_streams.sql");
    /// How many events there were.
    COUNT_BY_DAY = include_str!("sql/count_by_day.sql");

    /// Every event with its stream's head, stream by stream.
    VERIFY_EVENTS = include_str!("sql/verify_events.sql");
    /// The events of a part with their streams' heads, stream by stream, and what came before the part.
    VERIFY_PART = include_str!("sql/verify_part.sql");
    /// The first head without its events.
    VERIFY_HEADS = include_str!("sql/verify_heads.sql");
    /// The first command without its events.
    VERIFY_COMMANDS = include_str!("sql/verify_commands.sql");
    /// The first claim of a stream that does not exist.
    VERIFY_CLAIMS = include_str!("sql/verify_claims.sql");
    /// How much there is to verify.
    VERIFY_COUNT = "select count(*) from event";

    /// The last event that nothing can appear before any more.
    ANCHOR_END = include_str!("sql/anchor_end.sql");
    /// Place and hash of every event up to a place.
    ANCHOR_EVENTS = include_str!("sql/anchor_events.sql");
    /// Keeps an anchor; a second one of the same place says nothing more.
    ANCHOR_KEEP = include_str!("sql/anchor_keep.sql");
    /// Every anchor that was kept.
    ANCHORS = include_str!("sql/anchors.sql");

    /// How often the handling of a message was attempted.
    ATTEMPTS = "select attempts from delivery_attempt where consumer = $1 and event_id = $2";
    /// One attempt more.
    ATTEMPT_RECORD = include_str!("sql/attempt_record.sql");
    /// Which of the consumers $1's streams $2 are parked.
    PARKED = "select consumer, stream_id from parked_stream \
        where (consumer, stream_id) in (select * from unnest($1::text[], $2::uuid[]))";
    /// Parks a stream.
    PARK_STREAM = "insert into parked_stream (consumer, stream_id) values ($1, $2) on conflict do nothing";
    /// Locks a parked stream.
    PARKED_LOCK = "select stream_id from parked_stream where consumer = $1 and stream_id = $2 for update";
    /// Writes a dead letter.
    LETTER_WRITE = include_str!("sql/letter_write.sql");
    /// Stores a message behind a letter.
    BEHIND_WRITE = include_str!("sql/behind_write.sql");
    /// Letters, the oldest first.
    LETTER_LIST = include_str!("sql/letter_list.sql");
    /// One letter.
    LETTER_FIND = include_str!("sql/letter_find.sql");
    /// A page of letters without their contents, the oldest first.
    LETTER_HEADS = include_str!("sql/letter_heads.sql");
    /// One letter without its contents.
    LETTER_HEAD = include_str!("sql/letter_head.sql");
    /// How many letters there are.
    LETTER_COUNT = "select count(*) from dead_letter";
    /// How many streams are parked, by consumer.
    PARKED_COUNTS = "select consumer, count(*) from parked_stream group by consumer";
    /// The first message behind a letter.
    BEHIND_NEXT = include_str!("sql/behind_next.sql");
    /// Takes a waiting message out.
    BEHIND_REMOVE = "delete from parked_message where consumer = $1 and event_id = $2";
    /// Takes a letter out.
    LETTER_REMOVE = "delete from dead_letter where consumer = $1 and event_id = $2";
    /// Forgets a message's attempts.
    ATTEMPTS_REMOVE = "delete from delivery_attempt where consumer = $1 and event_id = $2";
    /// Ends a parking.
    UNPARK = include_str!("sql/unpark.sql");
}
