use super::ProviderError;
use crate::pki::RootInfo;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DistinguishedName, DnType, DnValue};
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The root's subject, to be written into another certificate.
pub(super) fn subject(root: &RootInfo) -> Result<DistinguishedName, ProviderError> {
    let error = || ProviderError::Subject { root: root.id.clone() };
    let (_, name) = X509Name::from_der(&root.subject).map_err(|_| error())?;
    let mut subject = DistinguishedName::new();
    for attribute in name.iter_attributes() {
        let (kind, value) = part(attribute).ok_or_else(error)?;
        subject.push(kind, value);
    }
    Ok(subject)
}

fn part(attribute: &AttributeTypeAndValue<'_>) -> Option<(DnType, DnValue)> {
    let oid: Vec<u64> = attribute.attr_type().iter()?.collect();
    let raw = attribute.attr_value();
    let text = std::str::from_utf8(raw.data).ok()?;
    let value = match raw.tag() {
        Tag::Utf8String => DnValue::Utf8String(text.to_owned()),
        Tag::PrintableString => DnValue::PrintableString(PrintableString::try_from(text).ok()?),
        Tag::Ia5String => DnValue::Ia5String(Ia5String::try_from(text).ok()?),
        _ => return None,
    };
    Some((DnType::from_oid(&oid), value))
}
