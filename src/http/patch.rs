//! Partial changes: a JSON merge patch (RFC 7396) that is judged twice by the contract, as it was
//! sent and as what it makes of the whole.

use std::borrow::Cow;
use std::marker::PhantomData;

use actix_web::web::Data;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::contract::Contract;
use super::extractor::RequestBody;
use super::problem::{Fault, Problem};
use crate::service::{self, Error};
use crate::store::StoreError;

/// Puts the members of a patch in place of those of a whole; null removes.
///
/// Refuses with every fault of the result, at pointers that are the same in the patch.
pub fn patched<T: Serialize + DeserializeOwned + RequestBody>(
    contract: &Data<Contract>,
    whole: &T,
    patch: &Map<String, Value>,
) -> Result<T, Error> {
    let bug = |cause: &str| Error::Store(StoreError::Bug(cause.to_owned()));
    let Value::Object(mut members) = serde_json::to_value(whole).map_err(|_| bug("a record is not JSON"))?
    else {
        return Err(bug("a record is not an object"));
    };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    let merged = Value::Object(members);
    let mut faults = contract
        .faults(&<T as ToSchema>::name(), &merged)
        .map_err(|problem: Problem| bug(&problem.to_string()))?;
    T::cross_check(&merged, &mut faults);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults.into_iter().map(service_fault).collect()));
    }
    serde_json::from_value(merged).map_err(|_| bug("a patched record cannot be read"))
}

fn service_fault(fault: Fault) -> service::Fault {
    service::Fault {
        pointer: fault.pointer,
        code: fault.code,
        message: fault.message,
    }
}

/// The body of a partial change of a `T`: any of its fields, null to remove one.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Patch<T> {
    pub members: Map<String, Value>,
    #[serde(skip)]
    whole: PhantomData<T>,
}

impl<T: RequestBody> RequestBody for Patch<T> {}

impl<T: ToSchema> ToSchema for Patch<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Patch", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

impl<T: ToSchema> PartialSchema for Patch<T> {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut object)) = T::schema() else {
            return T::schema();
        };
        let required = std::mem::take(&mut object.required);
        object.description = Some("Any of the fields; null removes one that may be absent.".to_owned());
        for (name, property) in &mut object.properties {
            if !required.contains(name) {
                *property = nullable(property.clone());
            }
        }
        RefOr::T(Schema::Object(object))
    }
}

fn nullable(property: RefOr<Schema>) -> RefOr<Schema> {
    match property {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(own) = &object.schema_type {
                object.schema_type = SchemaType::from_iter([own.clone(), Type::Null]);
            }
            object.default = None;
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
            array.default = None;
            RefOr::T(Schema::Array(array))
        }
        reference @ RefOr::Ref(_) => {
            let null = ObjectBuilder::new().schema_type(Type::Null);
            RefOr::T(Schema::OneOf(
                OneOfBuilder::new().item(null).item(reference).build(),
            ))
        }
        already @ RefOr::T(_) => already,
    }
}
