use super::*;
use crate::model::Opaque;
use crate::wire::GoDuration;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Outer {
    name: String,
    port: u16,
    enable_tag_override: bool,
    inner: Option<Inner>,
    inners: Vec<Inner>,
    meta: BTreeMap<String, String>,
    config: Opaque,
    interval: Option<GoDuration>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Inner {
    #[serde(alias = "script")]
    args: Vec<String>,
    flag: bool,
}

fn api(text: &str) -> Result<Outer, DecodeError> {
    from_json(text.as_bytes())
}

fn hcl(text: &str) -> Result<Outer, DecodeError> {
    from_value(parse_hcl(text)?, Style::Config)
}

#[test]
fn every_spelling_of_a_key_is_that_key() {
    for key in ["EnableTagOverride", "enable_tag_override", "enabletagoverride"] {
        assert!(api(&format!("{{\"{key}\": true}}")).unwrap().enable_tag_override, "{key}");
    }
}

#[test]
fn errors_name_the_path_what_was_found_and_what_is_allowed() {
    let table = [
        (r#"{"inners":[{},{"flg":true}]}"#, r#"inners[1]: unknown key "flg": did you mean "flag"? "#),
        (r#"{"Inner":{"Flag":"yes"}}"#, r#"Inner.Flag: found the text "yes", want true or false"#),
        (r#"{"port":65536}"#, "port: found the number 65536, want a whole number from 0 to 65535"),
        (r#"{"port":-1}"#, "port: found the number -1, want a whole number from 0 to 65535"),
        (r#"{"port":1.5}"#, "port: found the number 1.5, want"),
        (r#"{"port":"80"}"#, r#"port: found the text "80", want"#),
        (r#"{"name":{}}"#, "name: found an object, want a text"),
        (r#"{"inners":{}}"#, "inners: found an object, want a list"),
        (r#"{"inner":[{}]}"#, "inner: found a list of 1, want an object"),
        (r#"{"meta":{"a":1}}"#, "meta.a: found the number 1, want a text"),
        (r#"{"interval":"soon"}"#, "interval: "),
        ("[]", "found a list of 0, want an object"),
        (r#"{"name":"a","Name":"b"}"#, "are the same key: give it once"),
        (r#"{"inner":{"args":[],"script":[]}}"#, "duplicate field"),
    ];
    for (text, wanted) in table {
        let error = api(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_repeated_key_and_a_bottomless_document_are_refused() {
    for text in [
        r#"{"name":"a","name":"b"}"#.to_owned(),
        r#"{"config":{"x":{"y":1,"y":2}}}"#.to_owned(),
        format!("{{\"config\":{{\"x\":{}1{}}}}}", "[".repeat(40), "]".repeat(40)),
        format!("{{\"config\":{}", "{\"x\":".repeat(100_000)),
        "{} {}".to_owned(),
        "{\"name\":\"\\ud800\"}".to_owned(),
        String::new(),
    ] {
        let cut: String = text.chars().take(60).collect();
        assert!(api(&text).is_err(), "{cut}");
    }
}

#[test]
fn null_says_the_same_as_nothing() {
    assert_eq!(api(r#"{"inner":null,"inners":null,"meta":null,"name":null}"#).unwrap(), Outer::default());
}

#[test]
fn what_is_opaque_stays_as_it_came() {
    let config = api(r#"{"Config":{"Foo_Bar":[{"b":null}],"foobar":1}}"#).unwrap().config;
    assert_eq!(serde_json::Value::Object(config), serde_json::json!({"Foo_Bar":[{"b":null}],"foobar":1}));
}

#[test]
fn hcl_blocks_are_objects_or_lists_as_the_type_wants() {
    let outer = hcl(concat!(
        "name = 7\nport = \"80\"\nenable_tag_override = \"true\"\n",
        "inner { script = \"x\" }\ninners { flag = true }\nmeta { a = 1 }\ninterval = \"90s\"\n",
    ))
    .unwrap();
    assert_eq!((outer.name.as_str(), outer.port, outer.enable_tag_override), ("7", 80, true));
    assert_eq!(outer.inner.unwrap().args, ["x"]);
    assert_eq!(outer.inners, [Inner { args: vec![], flag: true }]);
    assert_eq!(outer.meta["a"], "1");
    let twice = hcl("inners { flag = true }\ninners {}\n").unwrap();
    assert_eq!(twice.inners.len(), 2);
}

#[test]
fn a_duration_without_unit_is_nanoseconds_to_a_client_and_a_mistake_in_a_file() {
    assert_eq!(api(r#"{"interval":1500}"#).unwrap().interval.unwrap().0.as_nanos(), 1500);
    assert!(hcl("interval = 10").unwrap_err().to_string().contains("with its unit"));
}
