use std::convert::Infallible;
use std::fmt::Write;
use std::str::FromStr;

/// A path or a body that differs from request to request: `{c}` is the number of the client, `{n}` that of the
/// request among all, `{k}` the same modulo 1,000, `{run}` differs from run to run.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Client,
    Number,
    Key,
    Run,
}

const PLACES: [(&str, Part); 4] =
    [("{c}", Part::Client), ("{n}", Part::Number), ("{k}", Part::Key), ("{run}", Part::Run)];

/// Keys come again after so many requests.
const KEYS: u64 = 1000;

impl Template {
    /// Writes the text into `text`, in place of what was there.
    pub fn fill(&self, client: usize, number: u64, text: &mut String) {
        text.clear();
        for part in &self.0 {
            let written = match part {
                Part::Text(fixed) => text.write_str(fixed),
                Part::Client => write!(text, "{client}"),
                Part::Number => write!(text, "{number}"),
                Part::Key => write!(text, "{}", number % KEYS),
                Part::Run => write!(text, "{}", std::process::id()),
            };
            written.expect("a string takes all");
        }
    }
}

impl FromStr for Template {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut parts = vec![Part::Text(String::new())];
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((place, part)) = PLACES.iter().find(|(place, _)| rest.starts_with(place)) {
                parts.extend([part.clone(), Part::Text(String::new())]);
                rest = &rest[place.len()..];
            } else {
                if let Some(Part::Text(text)) = parts.last_mut() {
                    text.push(first);
                }
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let template: Template = r#"{"k{k}":{"n":{n}},"c":"{c}"}"#.parse().unwrap();
        let mut text = "what was there".to_owned();
        template.fill(3, 2007, &mut text);
        assert_eq!(text, r#"{"k7":{"n":2007},"c":"3"}"#);
    }
}
