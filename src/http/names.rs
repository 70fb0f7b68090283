//! Names for what generated clients would otherwise number: every branch of a union, what a page
//! lists, and the one vocabulary that several parameters share.
//!
//! Meaning is left as it is. Called by `http::openapi` alone, once, after flattened schemas are
//! merged.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::{Components, Discriminator, Object, OpenApi, Ref, RefOr, Schema, Type};

/// The schemas of the document by name.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The member that tells the branches of a union apart.
const TAG: &str = "type";

/// How utoipa names a page: this, and the name of what it lists.
const PAGE: &str = "Page_";

/// Makes each branch of a union told apart by its `type` a schema of its own, such as
/// `OpeningEventInputRequestReceived`, and says which value means which.
pub fn name_branches(schemas: &mut Schemas) {
    let mut named = Schemas::new();
    for (union_name, schema) in schemas.iter_mut() {
        let RefOr::T(Schema::OneOf(union)) = schema else {
            continue;
        };
        let tags: Option<Vec<String>> = union.items.iter().map(tag_of).collect();
        let Some(tags) = tags.filter(|tags| tags.len() > 1) else {
            continue;
        };
        let mut discriminator = Discriminator::new(TAG);
        for (item, tag) in union.items.iter_mut().zip(tags) {
            let name = format!("{union_name}{}", in_camel_case(&tag));
            let reference = Ref::from_schema_name(&name);
            discriminator.mapping.insert(tag, reference.ref_location.clone());
            named.insert(name, std::mem::replace(item, RefOr::Ref(reference)));
        }
        union.discriminator = Some(discriminator);
    }
    schemas.extend(named);
}

/// Makes what a page lists a schema of its own, under the name that the page's own ends in.
pub fn name_page_items(schemas: &mut Schemas) {
    let mut named = Schemas::new();
    for (page_name, schema) in schemas.iter_mut() {
        let Some(name) = page_name.strip_prefix(PAGE) else {
            continue;
        };
        if let RefOr::T(Schema::Object(page)) = schema
            && let Some(RefOr::T(Schema::Array(list))) = page.properties.get_mut("items")
            && let ArrayItems::RefOrSchema(item) = &mut list.items
            && matches!(item.as_ref(), RefOr::T(_))
        {
            let reference = RefOr::Ref(Ref::from_schema_name(name));
            named.insert(name.to_owned(), std::mem::replace(item, reference));
        }
    }
    for (name, item) in named {
        schemas.entry(name).or_insert(item);
    }
}

/// Lets query parameters refer to the vocabularies they repeat.
pub fn share_vocabularies(document: &mut OpenApi) {
    let Some(Components { schemas, .. }) = &document.components else {
        return;
    };
    let vocabularies: Vec<(&String, &Object)> = schemas
        .iter()
        .filter_map(|(name, schema)| Some((name, vocabulary(schema)?)))
        .collect();
    let share = |schema: &mut RefOr<Schema>| {
        let Some(repeated) = vocabulary(schema) else {
            return;
        };
        let mut same = vocabularies
            .iter()
            .filter(|(_, object)| object.enum_values == repeated.enum_values);
        if let (Some((name, _)), None) = (same.next(), same.next()) {
            *schema = RefOr::Ref(Ref::from_schema_name(*name));
        }
    };
    for item in document.paths.paths.values_mut() {
        for (_, operation) in super::openapi::operations_mut(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                match parameter {
                    RefOr::T(parameter) => match &mut parameter.schema {
                        Some(RefOr::T(Schema::Array(list))) => {
                            if let ArrayItems::RefOrSchema(items) = &mut list.items {
                                share(items);
                            }
                        }
                        Some(schema) => share(schema),
                        None => {}
                    },
                    RefOr::Ref(_) => {}
                }
            }
        }
    }
}

/// A closed list of words, if the schema is one.
fn vocabulary(schema: &RefOr<Schema>) -> Option<&Object> {
    match schema {
        RefOr::T(Schema::Object(object)) => object.enum_values.as_ref().map(|_| object),
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

/// The one value that a branch written out requires its tag to have.
fn tag_of(branch: &RefOr<Schema>) -> Option<String> {
    let RefOr::T(Schema::Object(object)) = branch else {
        return None;
    };
    let tag = object.properties.get(TAG).and_then(vocabulary)?;
    let is_object = matches!(object.schema_type, SchemaType::Type(Type::Object));
    match tag.enum_values.as_deref() {
        Some([only]) if is_object => only.as_str().map(str::to_owned),
        Some(_) | None => None,
    }
}

/// `request_received` as `RequestReceived`.
fn in_camel_case(name: &str) -> String {
    name.split('_')
        .map(|word| match word.split_at_checked(1) {
            Some((first, rest)) => first.to_uppercase() + rest,
            None => String::new(),
        })
        .collect()
}
