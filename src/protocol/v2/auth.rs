//! How a token is had: messages only. What is secret in them does not show in
//! their `Debug` output.

use std::fmt;

use serde_json::{Value, json};

use super::fields::{optional_count, required_object, texts};
use super::wire_time;
use crate::model::{JsonObject, Timestamp};
use crate::protocol::ProtocolError;
use crate::protocol::decode::{message, optional_text, optional_time, required_text, wrong};

/// What a token's bearer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// May do everything.
    Admin,
    /// May look.
    Guest,
    /// Another server's.
    Other(String),
}

impl Role {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Role::Admin => "admin",
            Role::Guest => "guest",
            Role::Other(word) => word,
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Self {
        match word {
            "admin" => Role::Admin,
            "guest" => Role::Guest,
            other => Role::Other(other.to_owned()),
        }
    }
}

/// Asks for an admin's token.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// The admin's password.
    pub password: String,
}

impl LoginRequest {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        secret(bytes, "password").map(|password| Self { password })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({"password": self.password})
    }
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginRequest(…)")
    }
}

/// Asks for a guest's token, with what the scanned code held.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestTokenRequest {
    /// [`QrData::token`].
    pub token: String,
}

impl GuestTokenRequest {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        secret(bytes, "token").map(|token| Self { token })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({"token": self.token})
    }
}

impl fmt::Debug for GuestTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestTokenRequest(…)")
    }
}

/// Reads a message of one secret. No error quotes it.
fn secret(bytes: &[u8], field: &str) -> Result<String, ProtocolError> {
    let mut object = message(bytes)?;
    match object.remove(field) {
        Some(Value::String(secret)) if !secret.is_empty() => Ok(secret),
        Some(_) => Err(ProtocolError::Field {
            path: field.to_owned(),
            expected: "text of at least 1 character",
            found: "something else".to_owned(),
        }),
        None => Err(wrong(field, "text", None)),
    }
}

/// A token, as login, refresh and guest verification give it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The token for `Authorization: Bearer`.
    pub access_token: String,
    /// For how many seconds it is good.
    pub expires_in: u64,
    /// What its bearer is.
    pub role: Role,
}

impl TokenAnswer {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let access_token = secret(bytes, "access_token")?;
        let mut object = message(bytes)?;
        Ok(Self {
            access_token,
            expires_in: optional_count(&mut object, "expires_in")?
                .ok_or_else(|| wrong("expires_in", "a whole number of 0 or more", None))?,
            role: Role::parse(&optional_text(&mut object, "role")?.unwrap_or_default()),
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "access_token": self.access_token,
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "role": self.role.as_str(),
        })
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("expires_in", &self.expires_in)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Who the bearer is.
    pub user_id: String,
    /// What the bearer is.
    pub role: Role,
    /// What the bearer may do.
    pub permissions: Vec<String>,
    /// When the token ends, in seconds since 1970; none if never.
    pub expires_at: Option<u64>,
}

impl Me {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        Ok(Self {
            user_id: required_text(&mut object, "user_id")?,
            role: Role::parse(&required_text(&mut object, "role")?),
            permissions: texts(&mut object, "permissions")?,
            expires_at: optional_count(&mut object, "expires_at")?,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "user_id": self.user_id,
            "role": self.role.as_str(),
            "permissions": self.permissions,
            "expires_at": self.expires_at,
        })
    }
}

/// What a guest's code holds: where the house is, and a token to show there.
#[derive(Clone, PartialEq, Eq)]
pub struct QrData {
    /// The server's name.
    pub server: String,
    /// The server's port.
    pub port: u16,
    /// What [`GuestTokenRequest`] asks with.
    pub token: String,
    /// Until when it is good.
    pub expires: Option<Timestamp>,
    /// What its bearer may do.
    pub permissions: Vec<String>,
}

impl QrData {
    /// The shape's version.
    const VERSION: &'static str = "1.0";
    /// The shape's name.
    const TYPE: &'static str = "guest_access";

    /// Reads the text of a scanned code.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        Self::take(message(bytes)?)
    }

    fn take(mut object: JsonObject) -> Result<Self, ProtocolError> {
        match object.remove("type") {
            Some(Value::String(word)) if word == Self::TYPE => {}
            other => return Err(wrong("type", Self::TYPE, other.as_ref())),
        }
        let token = match object.remove("token") {
            Some(Value::String(token)) if !token.is_empty() => token,
            _ => return Err(wrong("token", "text of at least 1 character", None)),
        };
        let port = optional_count(&mut object, "port")?.and_then(|port| u16::try_from(port).ok());
        Ok(Self {
            server: required_text(&mut object, "server")?,
            port: port.ok_or_else(|| wrong("port", "a port", None))?,
            token,
            expires: optional_time(&mut object, "expires")?,
            permissions: texts(&mut object, "permissions")?,
        })
    }

    /// Writes the data.
    pub fn encode(&self) -> Value {
        json!({
            "version": Self::VERSION,
            "type": Self::TYPE,
            "server": self.server,
            "port": self.port,
            "token": self.token,
            "expires": self.expires.map(wire_time),
            "permissions": self.permissions,
        })
    }
}

impl fmt::Debug for QrData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QrData")
            .field("server", &self.server)
            .field("port", &self.port)
            .field("expires", &self.expires)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

/// A guest's code, as the admin gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct QrAnswer {
    /// The code as a picture, base64 of a PNG, from servers that draw it.
    pub qr_code: Option<String>,
    /// What the code holds.
    pub qr_data: QrData,
    /// For how many seconds it is good.
    pub expires_in: u64,
}

impl QrAnswer {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        Ok(Self {
            qr_code: optional_text(&mut object, "qr_code")?,
            qr_data: QrData::take(required_object(&mut object, "qr_data")?)
                .map_err(|error| error.within("qr_data"))?,
            expires_in: optional_count(&mut object, "expires_in")?.unwrap_or_default(),
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "qr_code": self.qr_code,
            "qr_data": self.qr_data.encode(),
            "expires_in": self.expires_in,
        })
    }
}

/// The picture says what the data says.
impl fmt::Debug for QrAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QrAnswer")
            .field("qr_data", &self.qr_data)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
