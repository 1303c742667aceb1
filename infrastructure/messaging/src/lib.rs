//! From the producers' logs to the consumers' streams: sources, buses, relay, runner.
