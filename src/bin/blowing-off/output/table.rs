//! Drawing tables for a terminal: columns and space, no lines.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};

use super::text::clean;

/// Rows under a header.
pub(super) fn draw(header: &[&str], rows: &[Vec<String>], colour: bool) -> String {
    let mut table = blank();
    table.set_header(header.iter().map(|name| {
        let cell = Cell::new(name.to_uppercase().replace('_', " "));
        if colour {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    }));
    for row in rows {
        table.add_row(
            row.iter()
                .zip(header)
                .map(|(text, name)| value(text, name, colour)),
        );
    }
    finish(table)
}

/// Names on the left, values on the right.
pub(super) fn draw_pairs(rows: &[Vec<String>], colour: bool) -> String {
    let mut table = blank();
    for row in rows {
        let name = row.first().map(String::as_str).unwrap_or_default();
        table.add_row(row.iter().enumerate().map(|(column, text)| match column {
            0 if colour => Cell::new(clean(text)).add_attribute(Attribute::Bold),
            0 => Cell::new(clean(text)),
            _ => value(text, name, colour),
        }));
    }
    finish(table)
}

fn blank() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn finish(mut table: Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        // The first column is what one copies: an id, or a field's name.
        if index == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn value(text: &str, name: &str, colour: bool) -> Cell {
    let cell = Cell::new(clean(text));
    if !colour || !matches!(name, "sync_status" | "state" | "status") {
        return cell;
    }
    match text {
        "pending" | "queued" => cell.fg(Color::Yellow),
        "conflict" => cell.fg(Color::Magenta),
        "error" | "failed" => cell.fg(Color::Red),
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_columns_and_space() {
        let rows = [
            vec!["1".to_owned(), "Hall".to_owned()],
            vec!["22".to_owned(), "A\u{1b}[2J".to_owned()],
        ];
        let drawn = draw(&["id", "room_type"], &rows, false);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines, ["ID  ROOM TYPE", "1   Hall", "22  A\u{fffd}[2J"]);
    }

    #[test]
    fn without_colour_there_is_no_escape_sequence() {
        let rows = [vec!["sync_status".to_owned(), "error".to_owned()]];
        assert_eq!(draw_pairs(&rows, false), "sync_status  error");
    }
}
