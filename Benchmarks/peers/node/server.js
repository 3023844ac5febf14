// A webhook receiver in Node without packages: the checks of the official library, then JSON.parse.
'use strict';
const crypto = require('node:crypto');
const http = require('node:http');

const secret = process.env.SECRET;

function verified(header, body) {
  let stamp = '';
  const signatures = [];
  for (const part of (header || '').split(',')) {
    const [key, value] = part.split('=');
    if (key === 't') stamp = value;
    if (key === 'v1') signatures.push(value);
  }
  const expected = Buffer.from(crypto.createHmac('sha256', secret).update(`${stamp}.`).update(body).digest('hex'));
  const matches = signatures.some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && crypto.timingSafeEqual(given, expected);
  });
  return matches && Math.abs(Math.floor(Date.now() / 1000) - Number(stamp)) <= 300;
}

http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    let event;
    try {
      if (verified(request.headers['stripe-signature'], body)) event = JSON.parse(body.toString('utf8'));
    } catch {
      event = undefined;
    }
    if (!event || !event.id) {
      response.writeHead(400).end('refused');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(`{"received":true,"event_id":${JSON.stringify(event.id)}}`);
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
