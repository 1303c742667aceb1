//! Aligned columns. Cells are never cut or wrapped: an id is there to be copied.

/// Between two columns.
const GAP: &str = "  ";

/// Columns as wide as what was shown in them so far.
pub(super) struct Table {
    headings: Vec<String>,
    widths: Vec<usize>,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let headings: Vec<String> =
            columns.iter().map(|column| column.replace(['_', '.'], " ").to_uppercase()).collect();
        let widths = headings.iter().map(|heading| width(heading)).collect();
        Self { headings, widths }
    }

    /// Makes the columns wide enough for all of these rows.
    pub(super) fn make_room<'r>(&mut self, rows: impl IntoIterator<Item = &'r [String]>) {
        for row in rows {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                *known = width(cell).max(*known);
            }
        }
    }

    pub(super) fn headings(&self) -> String {
        self.aligned(&self.headings)
    }

    pub(super) fn row(&mut self, cells: &[String]) -> String {
        self.make_room([cells]);
        self.aligned(cells)
    }

    fn aligned(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (cell, wanted) in cells.iter().zip(&self.widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', wanted.saturating_sub(width(cell))));
            line.push_str(GAP);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// In characters, which is what a terminal shows of ids, codes and names of ours.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["event_type", "n"]);
        let rows = [["users.user_created", "1"], ["ñ", "22"]].map(|row| row.map(str::to_owned).to_vec());
        table.make_room(rows.iter().map(Vec::as_slice));
        let lines: Vec<String> = [table.headings()].into_iter().chain(rows.map(|row| table.row(&row))).collect();
        assert_eq!(lines, ["EVENT TYPE          N", "users.user_created  1", "ñ                   22"]);
    }
}
