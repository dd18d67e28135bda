//! The rows and how they are shown. Nothing is measured here.

use serde_json::{Value, json};

/// What a row may come to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Budget {
    /// Told for its own sake.
    Open,
    /// The value itself may be so much.
    AtMost(f64),
    /// The value may be so many times the baseline.
    Times(f64),
    /// The value must be at least so many times the baseline.
    AtLeastTimes(f64),
}

/// One thing that was measured.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// `None` if it could not be measured; `baseline_is` says why.
    pub(crate) value: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) baseline: Option<f64>,
    /// What the baseline is.
    pub(crate) baseline_is: String,
    pub(crate) budget: Budget,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        Some(self.value? / self.baseline.filter(|baseline| *baseline != 0.0)?)
    }

    fn status(&self) -> &'static str {
        let (Some(value), ratio) = (self.value, self.ratio()) else {
            return "unmeasured";
        };
        let kept = match self.budget {
            Budget::Open => true,
            Budget::AtMost(most) => value <= most,
            Budget::Times(times) => ratio.is_some_and(|ratio| ratio <= times),
            Budget::AtLeastTimes(times) => ratio.is_some_and(|ratio| ratio >= times),
        };
        if kept { "ok" } else { "over" }
    }

    fn budget(&self) -> String {
        match self.budget {
            Budget::Open => String::new(),
            Budget::AtMost(most) => format!("<= {} {}", number(most), self.unit),
            Budget::Times(times) => format!("<= {times} x"),
            Budget::AtLeastTimes(times) => format!(">= {times} x"),
        }
    }
}

/// All rows of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The rows as an array of objects.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "what": row.what,
                    "value": row.value,
                    "unit": row.unit,
                    "baseline": row.baseline,
                    "baseline_is": row.baseline_is,
                    "ratio": row.ratio(),
                    "budget": row.budget(),
                    "status": row.status(),
                })
            })
            .collect();
        format!("{:#}", Value::Array(rows))
    }

    /// The rows as a table, and how many are over.
    pub(crate) fn table(&self) -> String {
        let mut lines =
            vec![["what", "value", "baseline", "ratio", "budget", "", "beside"].map(str::to_owned)];
        for row in &self.rows {
            let with_unit = |value: Option<f64>| match value {
                Some(value) => format!("{} {}", number(value), row.unit),
                None => "-".into(),
            };
            lines.push([
                row.what.clone(),
                with_unit(row.value),
                with_unit(row.baseline),
                row.ratio().map_or("-".into(), |ratio| format!("{ratio:.2}")),
                row.budget(),
                match row.status() {
                    "ok" if matches!(row.budget, Budget::Open) => "",
                    "over" => "OVER",
                    status => status,
                }
                .into(),
                row.baseline_is.clone(),
            ]);
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
        let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = widths[column];
                text.push_str(&match column {
                    1..=3 => format!("{cell:>width$}  "),
                    6 => cell.clone(),
                    _ => format!("{cell:<width$}  "),
                });
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        let count = |status: &str| self.rows.iter().filter(|row| row.status() == status).count();
        let budgeted = self
            .rows
            .iter()
            .filter(|row| !matches!(row.budget, Budget::Open))
            .count();
        text.push_str(&format!(
            "\n{} rows, {budgeted} with a budget: {} over, {} unmeasured\n",
            self.rows.len(),
            count("over"),
            count("unmeasured"),
        ));
        text
    }
}

/// Three figures that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
