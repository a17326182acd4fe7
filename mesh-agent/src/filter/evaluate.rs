use super::Filter;
use super::expression::{Expression, Test};
use serde_json::Value;

impl Filter {
    /// Whether the filter keeps this object.
    pub fn keeps(&self, object: &Value) -> bool {
        evaluate(&self.root, object)
    }

    /// Keeps the elements of a list, or the values of a map, that the filter accepts.
    #[must_use]
    pub fn retain(&self, collection: Value) -> Value {
        match collection {
            Value::Array(items) => items.into_iter().filter(|item| self.keeps(item)).collect(),
            Value::Object(entries) => entries.into_iter().filter(|(_, item)| self.keeps(item)).collect(),
            other => other,
        }
    }
}

fn evaluate(expression: &Expression, object: &Value) -> bool {
    match expression {
        Expression::And(left, right) => evaluate(left, object) && evaluate(right, object),
        Expression::Or(left, right) => evaluate(left, object) || evaluate(right, object),
        Expression::Not(inner) => !evaluate(inner, object),
        Expression::Match { path, test, negated } => holds(test, *negated, path, object),
    }
}

/// Lists on the way are asked element by element, and one that answers yes is enough.
fn holds(test: &Test, negated: bool, path: &[String], value: &Value) -> bool {
    match (path.split_first(), value) {
        (Some(_), Value::Array(items)) => items.iter().any(|item| holds(test, negated, path, item)),
        (Some((first, rest)), Value::Object(fields)) => {
            holds(test, negated, rest, fields.get(first).unwrap_or(&Value::Null))
        }
        (Some(_), _) => holds(test, negated, &[], &Value::Null),
        (None, _) => passes(test, value) != negated,
    }
}

/// What is absent is empty, and equal to nothing.
fn passes(test: &Test, value: &Value) -> bool {
    match (test, value) {
        (Test::Text(want), Value::String(found)) => want == found,
        (Test::Number(want), found) => found.as_f64() == Some(*want),
        (Test::Bool(want), found) => found.as_bool() == Some(*want),
        (Test::Contains(want), Value::String(found)) => found.contains(want),
        (Test::Contains(want), Value::Array(found)) => found.iter().any(|v| v.as_str() == Some(want)),
        (Test::Contains(want), Value::Object(found)) => found.contains_key(want),
        (Test::Matches(pattern), Value::String(found)) => pattern.is_match(found),
        (Test::Empty, found) => is_empty(found),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Field, FilterError};
    use super::*;
    use serde_json::json;

    const META: Field = Field::Map(&Field::Text);
    const CHECK: Field = Field::Struct(&[("Status", Field::Text), ("ServiceTags", Field::Texts)]);
    const SCHEMA: Field = Field::Struct(&[
        ("Node", Field::Struct(&[("Node", Field::Text), ("Meta", META)])),
        ("ServiceTags", Field::Texts),
        ("ServiceMeta", META),
        ("ServicePort", Field::Number),
        ("Native", Field::Bool),
        ("Checks", Field::Each(&CHECK)),
    ]);

    fn object() -> Value {
        json!({
            "Node": {"Node": "alpha", "Meta": {"rack id": "r1", "os": "linux"}},
            "ServiceTags": ["v1", "primary"],
            "ServiceMeta": {},
            "ServicePort": 8080,
            "Native": false,
            "Checks": [
                {"Status": "passing", "ServiceTags": ["a"]},
                {"Status": "critical", "ServiceTags": []},
            ],
        })
    }

    #[test]
    fn expressions_keep_what_they_say() {
        let table = [
            (r#"Node.Node == "alpha""#, true),
            ("Node.Node == alpha", true),
            ("Node.Node != alpha", false),
            (r#"Node.Meta["rack id"] == r1"#, true),
            ("Node.Meta.os == linux", true),
            ("Node.Meta.absent == linux", false),
            ("Node.Meta.absent != linux", true),
            ("Node.Meta.absent is empty", true),
            ("os in Node.Meta", true),
            ("Node.Meta contains os", true),
            ("Node.Meta not contains os", false),
            (r#""v1" in ServiceTags"#, true),
            ("v2 not in ServiceTags", true),
            ("ServiceTags contains primary", true),
            ("ServiceTags is not empty", true),
            ("ServiceMeta is empty", true),
            ("ServicePort == 8080", true),
            ("ServicePort != 8080", false),
            ("ServicePort == -1", false),
            ("Native == false", true),
            ("Node.Node matches `^al.*a$`", true),
            (r#"Node.Node not matches "b+""#, true),
            ("lph in Node.Node", true),
            ("Checks.Status == critical", true),
            ("Checks.Status != passing", true),
            ("Checks.Status == warning", false),
            ("a in Checks.ServiceTags", true),
            ("Checks is not empty", true),
            ("not Native == true and ServicePort == 8080", true),
            ("Native == true or (ServicePort == 8080 and not v2 in ServiceTags)", true),
            ("Native == true and ServicePort == 8080 or Node.Node == alpha", true),
            (" ( Node.Node==alpha ) ", true),
        ];
        for (text, want) in table {
            let filter = Filter::parse(text, &SCHEMA).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(filter.keeps(&object()), want, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_expression_is_refused_with_its_position() {
        let table = [
            ("", 0),
            ("Node.Node", 9),
            ("Node.Node = alpha", 10),
            ("Node.Node == ", 13),
            ("Node.Node == alpha extra", 19),
            ("(Node.Node == alpha", 19),
            ("Node.Node == \"alpha", 19),
            ("Node.Meta[os] == linux", 10),
            ("Native is full", 10),
            ("§", 0),
            ("Node. == x", 5),
        ];
        for (text, want) in table {
            match Filter::parse(text, &SCHEMA) {
                Err(FilterError::Syntax { position, .. }) => assert_eq!(position, want, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn selectors_and_operators_must_fit_the_resource() {
        let refused = |text| Filter::parse(text, &SCHEMA).unwrap_err();
        for text in ["Nope == 1", "Node.Nope == 1", "Node.Node.Deep == x", "ServiceTags.x == y"] {
            assert!(matches!(refused(text), FilterError::UnknownSelector { .. }), "{text}");
        }
        for text in
            ["ServiceTags == x", "ServicePort is empty", "Node is empty", "Checks == x", "x in Native"]
        {
            assert!(matches!(refused(text), FilterError::WrongOperator { .. }), "{text}");
        }
        for text in ["ServicePort == web", "Native == maybe"] {
            assert!(matches!(refused(text), FilterError::WrongValue { .. }), "{text}");
        }
    }

    #[test]
    fn costly_expressions_are_refused() {
        let deep = format!("{}Native == true{}", "(".repeat(65), ")".repeat(65));
        let long = format!("Node.Node == \"{}\"", "x".repeat(Filter::MAX_LENGTH));
        let huge = "Node.Node matches `(a{1000}){1000}`";
        let broken = "Node.Node matches `(`";
        assert!(matches!(Filter::parse(&deep, &SCHEMA), Err(FilterError::TooDeep { .. })));
        assert!(matches!(Filter::parse(&"not ".repeat(100), &SCHEMA), Err(FilterError::TooDeep { .. })));
        assert!(matches!(Filter::parse(&long, &SCHEMA), Err(FilterError::TooLong { .. })));
        for text in [huge, broken] {
            assert!(matches!(Filter::parse(text, &SCHEMA), Err(FilterError::Pattern { .. })), "{text}");
        }
    }

    #[test]
    fn lists_and_maps_keep_their_matching_members() {
        let filter = Filter::parse("ServicePort == 1", &SCHEMA).unwrap();
        let list = json!([{"ServicePort": 1}, {"ServicePort": 2}]);
        let map = json!({"a": {"ServicePort": 1}, "b": {"ServicePort": 2}});
        assert_eq!(filter.retain(list), json!([{"ServicePort": 1}]));
        assert_eq!(filter.retain(map), json!({"a": {"ServicePort": 1}}));
    }
}
