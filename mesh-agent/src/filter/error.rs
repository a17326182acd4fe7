/// Why a filter expression was refused. Positions are bytes from the start of the expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter has {length} bytes: at most {limit} are allowed")]
    TooLong { length: usize, limit: usize },
    #[error("the filter nests deeper than {limit} levels at position {position}: write it flatter")]
    TooDeep { position: usize, limit: usize },
    #[error("the filter is not valid at position {position}: found {found}, want {wanted}")]
    Syntax { position: usize, found: String, wanted: &'static str },
    #[error("the filter's selector {selector:?} at position {position} is not valid: {reason}")]
    UnknownSelector { selector: String, position: usize, reason: String },
    #[error("the filter cannot use {operator:?} on {selector:?} at position {position}, which is {kind}")]
    WrongOperator { operator: &'static str, selector: String, position: usize, kind: &'static str },
    #[error("the filter's value {value:?} for {selector:?} at position {position} is not {kind}")]
    WrongValue { value: String, selector: String, position: usize, kind: &'static str },
    #[error("the filter's regular expression {pattern:?} at position {position} is not valid: {reason}")]
    Pattern { pattern: String, position: usize, reason: String },
}
