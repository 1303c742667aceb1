//! Progress bars: on standard error, only where somebody looks.
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infra_event_store::Progress;

/// A bar of events, with rate and remaining time; hidden when `wanted` is false or standard error is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(what: &str, wanted: bool) -> Self {
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target).with_prefix(what.to_owned());
        // The template is a constant; one that did not parse would show a plain bar.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:28} {bar:30} {human_pos}/{human_len} events  {per_sec}  {eta} left")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn set(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
