//! A harness for end-to-end tests: it drives the built binary from outside, as an operator would.
