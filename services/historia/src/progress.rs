//! Progress, on standard error: bars where somebody looks, and a line every few seconds where it goes to a file.
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use infra_event_store::Progress;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines about one work.
const LINE: Duration = Duration::from_secs(5);

/// The bars of a command, each on a line of its own.
pub(crate) struct Bars {
    bars: MultiProgress,
    lines: bool,
}

impl Bars {
    /// Nothing is shown when `wanted` is false.
    pub(crate) fn new(wanted: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if wanted && terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target), lines: wanted && !terminal }
    }

    /// A bar of events, with rate, remaining time and what is left to fold.
    pub(crate) fn add(&self, what: &str) -> Bar {
        let bar = self.bars.add(ProgressBar::new(0)).with_prefix(what.to_owned());
        // The template is a constant; one that did not parse would show a plain bar.
        if let Ok(style) = ProgressStyle::with_template(
            "{prefix:28} {bar:30} {percent:>3}% {human_pos}/{human_len} events  {per_sec}  {eta} left  {msg}",
        ) {
            bar.set_style(style);
        }
        Bar { bar, begun: None, told: self.lines.then(Instant::now) }
    }
}

/// One work under way; gone from the screen when it is dropped.
pub(crate) struct Bar {
    bar: ProgressBar,
    /// When it began, and how much had been done before.
    begun: Option<(Instant, u64)>,
    /// When the last line was written; `None` where none are.
    told: Option<Instant>,
}

impl Bar {
    pub(crate) fn set(&mut self, progress: Progress) {
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
        let Some((begun, before)) = self.begun else {
            // What an earlier run did says nothing of this one's speed.
            self.bar.reset_eta();
            self.begun = Some((Instant::now(), progress.done));
            return;
        };
        let behind = progress.total - progress.done;
        self.bar.set_message(format!("{behind} behind the log"));
        if self.told.is_some_and(|told| told.elapsed() >= LINE) {
            self.told = Some(Instant::now());
            let rate = (progress.done - before) as f64 / begun.elapsed().as_secs_f64();
            let left = behind as f64 / rate.max(1.0);
            crate::output::note(format!(
                "{}: {} of {} events, {rate:.0} a second, {left:.0} s left, {behind} behind the log",
                self.bar.prefix(),
                progress.done,
                progress.total,
            ));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
