//! What a foreign observer throws that it did not declare.

use crate::observe::ObserverError;

impl From<uniffi::UnexpectedUniFFICallbackError> for ObserverError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        ObserverError::Failed { reason: error.reason }
    }
}
