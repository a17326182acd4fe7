/// Lines up columns with two spaces between them, as operators' scripts expect them.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect::<Vec<_>>().join("\n")
}

/// The last cell of a row is not filled up.
fn line(row: &[String], widths: &[usize]) -> String {
    let last = row.len().saturating_sub(1);
    let cell = |(at, text): (usize, &String)| {
        if at == last { text.clone() } else { format!("{text:width$}", width = widths[at]) }
    };
    row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")
}

/// A row of borrowed or owned texts.
pub(super) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_is_not_filled() {
        let rows = [row(["Node", "Address"]), row(["a", "127.0.0.1:8301"]), row(["long-name", "x"])];
        assert_eq!(table(&rows), "Node       Address\na          127.0.0.1:8301\nlong-name  x");
    }
}
