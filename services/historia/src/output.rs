//! Standard output: data only, and all of it through here. Everything meant for a person's eye while the data is on its
//! way goes to standard error.
//!
//! What always holds: a verb builds one serializable document; every form is made from that, so a column is called the
//! same in a table, in CSV and in JSON. A list has its rows in the document's field of the list's name.
mod cell;
mod table;

use crate::cli::{Format, OutputArgs};
use crate::failure::Failure;
pub(crate) use cell::flatten;
use cell::{cell, field};
use serde::Serialize;
use serde_json::Value;
use std::io::{ErrorKind, IsTerminal, Write};
use table::Table;

/// What a list shows of its rows.
pub(crate) struct List {
    /// The document's field with the rows.
    pub name: &'static str,
    /// The row's field that `-q` prints.
    pub id: &'static str,
    /// The row's fields that are columns, in this order; `actor.user` is a field of a field.
    pub columns: &'static [&'static str],
}

/// In which form a verb's data are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ids,
    In(Format),
}

/// Where a verb's data go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output(Form);

impl Output {
    /// As the arguments say; without a word of theirs a table for a person, plain columns for a program.
    pub(crate) fn new(arguments: OutputArgs) -> Self {
        let default = || if std::io::stdout().is_terminal() { Format::Table } else { Format::Plain };
        Self(match arguments {
            OutputArgs { quiet: true, .. } => Form::Ids,
            OutputArgs { json: true, .. } => Form::In(Format::Json),
            OutputArgs { output, .. } => Form::In(output.unwrap_or_else(default)),
        })
    }

    /// As [`Self::new`] for what is kept in a file and read again: without a word of the caller's one JSON document.
    pub(crate) fn of_document(arguments: OutputArgs) -> Self {
        let json = arguments == OutputArgs::default();
        Self::new(OutputArgs { json: arguments.json || json, ..arguments })
    }

    /// Whether the form is for people, who may be shown a drawing instead of rows.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self.0, Form::In(Format::Table | Format::Plain))
    }

    /// Prints the rows of `document`.
    ///
    /// # Errors
    /// See [`line()`].
    pub(crate) fn list(self, list: &List, document: &impl Serialize) -> Result<(), Failure> {
        if self.0 == Form::In(Format::Json) {
            return self::document(document);
        }
        let document = value(document)?;
        let rows = document.get(list.name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() && self.0 == Form::In(Format::Table) {
            note(format!("no {}", list.name.replace('_', " ")));
            return Ok(());
        }
        let mut following = self.follow(list);
        if self.0 == Form::In(Format::Table) {
            let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(list, row)).collect();
            following.table.make_room(cells.iter().map(Vec::as_slice));
        }
        rows.iter().try_for_each(|row| following.show(row))
    }

    /// Prints rows one by one as they come. There is no end to wait for, so JSON is one document on each line.
    pub(crate) fn follow(self, list: &List) -> Following<'_> {
        Following { form: self.0, list, table: Table::new(list.columns), begun: false }
    }

    /// Prints one thing: its fields one on each line, `id` being the one that `-q` prints.
    ///
    /// # Errors
    /// See [`line()`].
    pub(crate) fn thing(self, id: &str, thing: &impl Serialize) -> Result<(), Failure> {
        match self.0 {
            Form::In(Format::Json) => document(thing),
            Form::In(Format::Ndjson) => document_line(thing),
            Form::Ids => line(cell(field(&value(thing)?, id))),
            Form::In(form @ (Format::Table | Format::Plain | Format::Csv)) => {
                let mut lines = Vec::new();
                flatten("", &value(thing)?, &mut lines);
                let rows: Vec<Value> = lines
                    .into_iter()
                    .map(|(field, value)| serde_json::json!({"field": field, "value": value}))
                    .collect();
                let list = List { name: "fields", id: "field", columns: &["field", "value"] };
                Self(Form::In(form)).list(&list, &serde_json::json!({ "fields": rows }))
            }
        }
    }
}

/// Rows that are printed as they come.
pub(crate) struct Following<'l> {
    form: Form,
    list: &'l List,
    table: Table,
    begun: bool,
}

impl Following<'_> {
    /// Prints one more.
    ///
    /// # Errors
    /// See [`line()`].
    pub(crate) fn show(&mut self, row: &impl Serialize) -> Result<(), Failure> {
        let first = !std::mem::replace(&mut self.begun, true);
        let row = value(row)?;
        match self.form {
            Form::Ids => line(cell(field(&row, self.list.id))),
            Form::In(Format::Json | Format::Ndjson) => document_line(&row),
            Form::In(Format::Plain) => line(cells(self.list, &row).join("\t")),
            Form::In(Format::Table) => {
                if first {
                    line(self.table.headings())?;
                }
                line(self.table.row(&cells(self.list, &row)))
            }
            Form::In(Format::Csv) => {
                if first {
                    line(comma_separated(self.list.columns)?)?;
                }
                line(comma_separated(&cells(self.list, &row))?)
            }
        }
    }
}

fn cells(list: &List, row: &Value) -> Vec<String> {
    list.columns.iter().map(|column| cell(field(row, column))).collect()
}

fn comma_separated<T: AsRef<[u8]>>(cells: &[T]) -> Result<String, Failure> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(cells).map_err(|error| Failure::of("writing CSV", &error))?;
    let bytes = writer.into_inner().map_err(|error| Failure::of("writing CSV", error.error()))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
}

fn value(thing: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(thing).map_err(|error| Failure::of("writing JSON", &error))
}

/// Prints a line of data.
///
/// # Errors
/// Standard output cannot be written. That nobody reads it any more (`| head`) ends the command as well, but not as an
/// error: nobody wants more.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    write(&format!("{}\n", text.as_ref()))
}

/// Prints one JSON document.
///
/// # Errors
/// See [`line()`].
pub(crate) fn document(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value).map_err(|error| Failure::of("writing JSON", &error))?)
}

/// Prints one JSON document on one line, for streams of them.
///
/// # Errors
/// See [`line()`].
pub(crate) fn document_line(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string(value).map_err(|error| Failure::of("writing JSON", &error))?)
}

/// Says something to the person at the terminal.
pub(crate) fn note(text: impl AsRef<str>) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::nobody_reads()),
        Err(error) => Err(Failure::of("writing to standard output", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(comma_separated(&["a,b", "say \"x\"", ""]).unwrap(), "\"a,b\",\"say \"\"x\"\"\",");
    }

    #[test]
    fn a_word_of_the_caller_wins_over_the_terminal() {
        let json = OutputArgs { json: true, ..OutputArgs::default() };
        assert_eq!(Output::new(json).0, Form::In(Format::Json));
        let csv = OutputArgs { output: Some(Format::Csv), ..OutputArgs::default() };
        assert_eq!(Output::new(csv).0, Form::In(Format::Csv));
        let quiet = OutputArgs { quiet: true, ..OutputArgs::default() };
        assert_eq!(Output::new(quiet).0, Form::Ids);
        assert_eq!(Output::of_document(csv).0, Form::In(Format::Csv));
        assert_eq!(Output::of_document(OutputArgs::default()).0, Form::In(Format::Json));
    }
}
