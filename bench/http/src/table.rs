//! The figures of all rounds as one Markdown table.
use crate::load::{Seen, Work};
use std::fmt::Write;

/// One system's rounds of one kind of work.
pub struct Row {
    pub work: Work,
    pub connections: u32,
    pub system: &'static str,
    pub rounds: Vec<Seen>,
}

/// `rows` hold, for each work, the floor, then Flask, then the platform.
pub fn markdown(rows: &[Row]) -> String {
    let mut table = String::from(
        "| request | connections | | requests/s | p50 ms | p99 ms | of the floor | to Flask |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for group in rows.chunks(3) {
        let median = |row: &Row| spread(row, |seen| seen.per_second)[1];
        let (floor, flask) = (median(&group[0]), median(&group[1]));
        for row in group {
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {} | {:.3} | {:.2}× |",
                row.work.name(),
                row.connections,
                row.system,
                text(spread(row, |seen| seen.per_second), 0),
                text(spread(row, |seen| seen.p50), 2),
                text(spread(row, |seen| seen.p99), 2),
                median(row) / floor,
                median(row) / flask,
            );
        }
    }
    table
}

/// The least, the median and the greatest.
fn spread(row: &Row, figure: impl Fn(&Seen) -> f64) -> [f64; 3] {
    let mut figures: Vec<_> = row.rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let (half, last) = (figures.len() / 2, figures.len() - 1);
    let median = if figures.len() % 2 == 1 { figures[half] } else { (figures[half - 1] + figures[half]) / 2.0 };
    [figures[0], median, figures[last]]
}

fn text([least, median, greatest]: [f64; 3], digits: usize) -> String {
    format!("{median:.digits$} ({least:.digits$}–{greatest:.digits$})")
}
