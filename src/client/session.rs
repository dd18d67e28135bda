//! A token in use: what is known of it, and when another is wanted. Pure.
//!
//! What a token that somebody brought says of itself is read without checking
//! the signature, which only the server can: it is used to ask for another in
//! time, and for nothing that matters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::auth_types::AuthSession;
use super::records::UserRole;
use crate::model::Timestamp;
use crate::model::time::SECOND;
use crate::protocol::v2::TokenAnswer;

/// No token that is looked into is longer.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
const DAY: i64 = 24 * 3_600 * SECOND;

/// A token, and what is known of it. It has no `Debug`: it is a secret.
#[derive(Clone)]
pub(super) struct Session {
    token: String,
    role: Option<UserRole>,
    expires_at: Option<Timestamp>,
    /// From when it was given, or seen first, to its end; in microseconds.
    life: i64,
    /// The server would not give another for it.
    spent: bool,
}

impl Session {
    /// Of a token that somebody brought. A JSON Web Token says something of itself.
    pub(super) fn brought(token: String, now: Timestamp) -> Self {
        let claims = Claims::read(&token).unwrap_or_default();
        let begun = claims.issued_at.unwrap_or(now);
        Self {
            token,
            role: claims.role,
            expires_at: claims.expires_at,
            life: claims.expires_at.map_or(0, |end| between(begun, end)),
            spent: false,
        }
    }

    /// Of a token that the server has just given. Its life counts by our clock,
    /// whatever the server's says.
    pub(super) fn given(answer: TokenAnswer, now: Timestamp) -> Self {
        let life = i64::try_from(answer.expires_in)
            .unwrap_or(i64::MAX)
            .saturating_mul(SECOND);
        let role = answer.role.as_str();
        Self {
            role: (!role.is_empty()).then(|| UserRole::parse(role)),
            expires_at: Some(now.plus_micros(life)),
            life,
            spent: false,
            token: answer.access_token,
        }
    }

    /// As the API tells it.
    pub(super) fn told(&self) -> AuthSession {
        AuthSession {
            role: self.role.clone(),
            expires_at: self.expires_at,
            auth_token: self.token.clone(),
        }
    }

    pub(super) fn is_guests(&self) -> bool {
        self.role == Some(UserRole::Guest)
    }

    /// Whether asking for another token could help: fixed tokens have no
    /// successor, and guests are given none.
    pub(super) fn is_refreshable(&self) -> bool {
        let admins = match &self.role {
            Some(role) => *role == UserRole::Admin,
            None => true,
        };
        admins && self.expires_at.is_some() && !self.spent
    }

    /// Whether another is wanted: a tenth of its life is left, or a day of one
    /// that lasts a week or more.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let margin = if self.life >= 7 * DAY { DAY } else { self.life / 10 };
        self.is_refreshable() && self.expires_at.is_some_and(|end| between(now, end) < margin)
    }

    /// The server would not give another: it is not asked again.
    pub(super) fn spend(&mut self) {
        self.spent = true;
    }
}

fn between(begun: Timestamp, end: Timestamp) -> i64 {
    end.micros().saturating_sub(begun.micros())
}

/// What a JSON Web Token says of itself.
#[derive(Default)]
struct Claims {
    role: Option<UserRole>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Claims {
    fn read(token: &str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut parts = token.split('.');
        let (Some(_), Some(body), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let body = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        Some(Self {
            role: body.get("role").and_then(Value::as_str).map(UserRole::parse),
            issued_at: body.get("iat").and_then(moment),
            expires_at: body.get("exp").and_then(moment),
        })
    }
}

/// Seconds since 1970, perhaps with a fraction, which does not matter here.
fn moment(value: &Value) -> Option<Timestamp> {
    let text = value.as_number()?.as_str();
    let whole = text.split('.').next()?.parse::<i64>().ok()?;
    (whole > 0).then(|| Timestamp::from_micros(whole.saturating_mul(SECOND)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::v2::Role;

    /// 2026-06-01T12:00:00.
    const NOON: i64 = 1_780_315_200;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros((NOON + second) * SECOND)
    }

    fn token(body: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(body))
    }

    fn given(expires_in: u64, role: Role) -> Session {
        let access_token = "t".to_owned();
        let answer = TokenAnswer {
            access_token,
            expires_in,
            role,
        };
        Session::given(answer, at(0))
    }

    #[test]
    fn a_tokens_own_words_are_read() {
        let body = format!(r#"{{"role":"admin","iat":{NOON},"exp":{}.5}}"#, NOON + 3_600);
        let told = Session::brought(token(&body), at(1_000)).told();
        assert_eq!(
            (told.role, told.expires_at),
            (Some(UserRole::Admin), Some(at(3_600)))
        );
    }

    #[test]
    fn what_is_no_token_of_the_standard_says_nothing() {
        let bodies = [
            "[]",
            "{",
            "{}",
            r#"{"exp":"soon"}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":1e9}"#,
        ];
        let tokens = bodies.map(token);
        for token in ["", "fixed", "..", "a.b", "a.b.c.d", "a.%%.c"]
            .into_iter()
            .chain(tokens.iter().map(String::as_str))
        {
            let session = Session::brought(token.to_owned(), at(0));
            let told = session.told();
            assert_eq!((told.role, told.expires_at), (None, None), "{token}");
            assert!(!session.is_refreshable() && !session.is_due(at(1_000_000_000)));
        }
    }

    #[test]
    fn another_is_wanted_in_the_last_day_of_a_week_and_the_last_tenth_of_less() {
        let week = given(604_800, Role::Admin);
        assert!(!week.is_due(at(518_400)) && week.is_due(at(518_401)) && week.is_due(at(700_000)));
        let hour = given(3_600, Role::Admin);
        assert!(!hour.is_due(at(3_240)) && hour.is_due(at(3_241)));
        // A token that was brought knows when its life began; else it is now.
        let old = token(&format!(r#"{{"iat":{},"exp":{NOON}}}"#, NOON - 604_800));
        assert!(Session::brought(old, at(-86_399)).is_due(at(-86_399)));
        let new = token(&format!(r#"{{"exp":{NOON}}}"#));
        let new = Session::brought(new, at(-1_000));
        assert!(!new.is_due(at(-100)) && new.is_due(at(-99)));
    }

    #[test]
    fn only_an_admins_token_has_a_successor() {
        for role in [Role::Guest, Role::Other("robot".into())] {
            assert!(!given(60, role).is_due(at(59)));
        }
        let mut admins = given(60, Role::Admin);
        admins.spend();
        assert!(!admins.is_due(at(59)));
    }

    #[test]
    fn the_longest_life_does_not_overflow() {
        let session = given(u64::MAX, Role::Admin);
        assert!(!session.is_due(at(0)) && session.told().expires_at.is_some());
    }
}
