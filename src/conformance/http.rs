//! As much of HTTP/1.1 as the door needs: reading a message, and asking the hub.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// `authorization` and `content-type`, as they are to be passed on.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// An answer as it is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Reads a request; `None` if the other end has nothing to say.
pub(super) fn read(stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let Some((first, headers)) = head(&mut reader)? else {
        return Ok(None);
    };
    let mut words = first.split(' ').map(str::to_owned);
    let body = body(&mut reader, &headers)?;
    let passed_on = |(name, _): &(String, String)| matches!(name.as_str(), "authorization" | "content-type");
    Ok(Some(Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers: headers.into_iter().filter(passed_on).collect(),
        body,
    }))
}

/// Asks whoever listens at `address`, on a connection of its own.
pub(super) fn ask(address: SocketAddr, request: &Request) -> io::Result<Answer> {
    let stream = TcpStream::connect(address)?;
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method,
        request.path,
        request.body.len()
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    (&stream).write_all(&[text.as_bytes(), &request.body].concat())?;
    let mut reader = BufReader::new(&stream);
    let (first, headers) = head(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok(Answer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        retry_after: value(&headers, "retry-after").map(str::to_owned),
        body: body(&mut reader, &headers)?,
    })
}

/// Gives an answer, of its body only the first `bytes` if so many are named, and
/// closes the connection.
pub(super) fn give(mut stream: &TcpStream, answer: &Answer, bytes: Option<usize>) -> io::Result<()> {
    let mut text = format!(
        "HTTP/1.1 {} Status\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    if let Some(after) = &answer.retry_after {
        text.push_str(&format!("retry-after: {after}\r\n"));
    }
    text.push_str("\r\n");
    let shown = bytes.unwrap_or(usize::MAX).min(answer.body.len());
    stream.write_all(&[text.as_bytes(), &answer.body[..shown]].concat())
}

type Headers = Vec<(String, String)>;

fn head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_lowercase(), value.trim().to_owned()))
    });
    Ok(Some((first, headers.collect())))
}

fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn body(reader: &mut impl Read, headers: &Headers) -> io::Result<Vec<u8>> {
    let length = value(headers, "content-length").map_or(Ok(0), str::parse);
    let mut body = vec![0; length.map_err(io::Error::other)?];
    reader.read_exact(&mut body)?;
    Ok(body)
}
