//! A worker process, seen from the program that measures.
use crate::protocol::{Reply, Request};
use crate::server::Place;
use platform::Failure;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// No cell takes this long.
const LIMIT: Duration = Duration::from_secs(300);

/// A worker; ends with this value.
pub struct Worker {
    system: &'static str,
    process: Child,
    requests: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts the worker of `system`, which is this program again, or Node's; from the repository's root.
    pub async fn start(system: &'static str, place: &Place) -> Result<Self, Failure> {
        let mut command = if matches!(system, "emmett" | "message_db") {
            let mut node = Command::new("node");
            node.args(["bench/peers-node/worker.mjs", system]);
            node
        } else {
            let mut ourselves = Command::new(std::env::current_exe()?);
            ourselves.args(["worker", system]);
            ourselves
        };
        command.arg(&place.0);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let requests = process.stdin.take().ok_or("no standard input")?;
        let replies = BufReader::new(process.stdout.take().ok_or("no standard output")?).lines();
        let mut started = Self { system, process, requests, replies };
        started.reply().await?;
        Ok(started)
    }

    /// Asks for one cell.
    pub async fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let line = serde_json::to_string(&request)? + "\n";
        self.requests.write_all(line.as_bytes()).await?;
        self.reply().await.map_err(|error| format!("{}: {request:?}: {error}", self.system).into())
    }

    /// Ends it and waits for that.
    pub async fn stop(mut self) -> Result<(), Failure> {
        drop(self.requests);
        self.process.wait().await?;
        Ok(())
    }

    async fn reply(&mut self) -> Result<Reply, Failure> {
        let line = tokio::time::timeout(LIMIT, self.replies.next_line()).await??.ok_or("the worker ended")?;
        let reply: Reply = serde_json::from_str(&line)?;
        match reply.error {
            Some(error) => Err(error.into()),
            None => Ok(reply),
        }
    }
}
