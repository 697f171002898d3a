//! One-time tokens, by their digests: `DIGEST UNTIL STATE RIGHTS NAME`, where UNTIL is in seconds since 1970 and STATE
//! `open` or `used`.
//!
//! What is used or has ended is kept for a day, so that one who comes with it can be told from one who guesses.

use std::fmt;

use sensor_link::TokenDigest;

use super::{Rights, printable};

/// Tokens kept at most; when full the one that ended first gives way, then the one used, then the one that ends first.
pub const MAX_TOKENS: usize = 256;

/// A token of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLine {
    /// Of the token.
    pub digest: TokenDigest,
    /// When it ends, in seconds since 1970.
    pub until: u64,
    /// It was used.
    pub used: bool,
    /// What the viewer may do that comes with it.
    pub rights: Rights,
    /// What that viewer is called on the list.
    pub name: String,
}

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefused {
    /// There is no such token, or it ended long ago.
    #[error("unknown token")]
    Unknown,
    /// It has ended.
    #[error("expired token")]
    Expired,
    /// It was used before.
    #[error("reused token")]
    Used,
}

/// The tokens of the file.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    lines: Vec<TokenLine>,
}

impl Tokens {
    /// Lines that are none are passed over: they let nobody in.
    pub(super) fn parse(text: &str) -> Tokens {
        Tokens { lines: text.lines().filter_map(parse_line).collect() }
    }

    /// What a token grants now.
    pub fn look(&self, digest: &TokenDigest, now: u64) -> Result<&TokenLine, TokenRefused> {
        let line = self.lines.iter().find(|line| line.digest == *digest).ok_or(TokenRefused::Unknown)?;
        match line {
            TokenLine { used: true, .. } => Err(TokenRefused::Used),
            TokenLine { until, .. } if *until <= now => Err(TokenRefused::Expired),
            good => Ok(good),
        }
    }

    /// The same, and it is used then.
    pub(super) fn redeem(&mut self, digest: &TokenDigest, now: u64) -> Result<TokenLine, TokenRefused> {
        let granted = self.look(digest, now)?.clone();
        self.lines.iter_mut().filter(|line| line.digest == *digest).for_each(|line| line.used = true);
        Ok(granted)
    }

    pub(super) fn add(&mut self, token: TokenLine, now: u64) {
        self.lines.retain(|line| line.until.saturating_add(KEPT) > now);
        while self.lines.len() >= MAX_TOKENS {
            let order = |line: &TokenLine| (line.until > now, !line.used, line.until);
            let Some((first, _)) = self.lines.iter().enumerate().min_by_key(|(_, line)| order(line)) else { break };
            self.lines.remove(first);
        }
        self.lines.push(TokenLine { name: printable(&token.name), ..token });
    }
}

/// The text of the file.
impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|TokenLine { digest, until, used, rights, name }| {
            writeln!(f, "{digest} {until} {} {rights} {name}", if *used { USED } else { OPEN })
        })
    }
}

fn parse_line(line: &str) -> Option<TokenLine> {
    let mut words = line.splitn(5, ' ');
    Some(TokenLine {
        digest: words.next()?.parse().ok()?,
        until: words.next()?.parse().ok()?,
        used: words.next().filter(|word| [OPEN, USED].contains(word))? == USED,
        rights: words.next()?.parse().ok()?,
        name: printable(words.next().unwrap_or_default()),
    })
}

const OPEN: &str = "open";
const USED: &str = "used";

/// For how long a token is remembered that has ended, in seconds.
const KEPT: u64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use sensor_link::Token;

    use super::*;

    fn token(number: u16, until: u64) -> TokenLine {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        let digest = Token::from_bytes(bytes).digest();
        TokenLine { digest, until, used: false, rights: Rights::WATCH, name: format!("desk {number}") }
    }

    #[test]
    fn a_token_is_good_once_and_until_its_end() {
        let mut tokens = Tokens::default();
        let (first, second) = (token(1, 100), token(2, 100));
        tokens.add(first.clone(), 0);
        tokens.add(second.clone(), 0);
        assert_eq!(tokens.redeem(&first.digest, 99), Ok(first.clone()));
        // From the file, as after a restart.
        let mut tokens = Tokens::parse(&tokens.to_string());
        assert_eq!(tokens.redeem(&first.digest, 99), Err(TokenRefused::Used));
        assert_eq!(tokens.look(&second.digest, 99), Ok(&second));
        assert_eq!(tokens.redeem(&second.digest, 100), Err(TokenRefused::Expired));
        assert_eq!(tokens.look(&token(3, 0).digest, 0), Err(TokenRefused::Unknown));
        tokens.add(token(4, 200_000), 100 + KEPT);
        assert_eq!(tokens.look(&second.digest, 99), Err(TokenRefused::Unknown), "forgotten after a day");
    }

    #[test]
    fn a_damaged_line_lets_nobody_in() {
        let good = token(1, 100);
        let line = Tokens { lines: vec![good.clone()] }.to_string();
        assert!(Tokens::parse(&line).look(&good.digest, 0).is_ok());
        for bad in [line.replace("open", "opened"), line.replace("watch", "all"), line.replace(" 100 ", " soon ")] {
            assert_eq!(Tokens::parse(&bad).look(&good.digest, 0), Err(TokenRefused::Unknown), "{bad}");
        }
    }

    #[test]
    fn what_is_of_no_use_gives_way_first() {
        let most = u16::try_from(MAX_TOKENS).unwrap();
        let mut tokens = Tokens::default();
        (0..most).for_each(|number| tokens.add(token(number, 1000 + u64::from(number)), 0));
        tokens.redeem(&token(7, 0).digest, 0).unwrap();
        tokens.add(token(most, 5000), 0);
        assert_eq!(tokens.lines.len(), MAX_TOKENS);
        assert_eq!(tokens.look(&token(7, 0).digest, 0), Err(TokenRefused::Unknown));
        assert!(tokens.look(&token(0, 0).digest, 0).is_ok());
        tokens.add(token(most + 1, 5000), 0);
        assert_eq!(tokens.look(&token(0, 0).digest, 0), Err(TokenRefused::Unknown), "it would have ended first");
    }
}
