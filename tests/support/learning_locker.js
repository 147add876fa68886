// Starts Learning Locker's LRS core on 127.0.0.1 with everything in memory, and prints the port that it listens on.
//
// LRS_AUTHORIZATION is the one Authorization header that it accepts.
'use strict';

const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');

const client = {
  _id: '111111111111111111111111',
  title: 'Log Replay tests',
  authority: { objectType: 'Agent', name: 'Log Replay tests', mbox: 'mailto:tests@example.com' },
  isTrusted: true,
  lrs_id: '222222222222222222222222',
  organisation: '333333333333333333333333',
  scopes: ['all'],
};

// It asks an HTTP service whose credentials these are; 404 means nobody's.
const accounts = http.createServer((request, response) => {
  const known = request.headers.authorization === process.env.LRS_AUTHORIZATION;
  response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(known ? client : {}));
});

accounts.listen(0, '127.0.0.1', () => {
  Object.assign(process.env, {
    AUTH_REPO: 'fetch',
    EVENTS_REPO: 'test',
    EXPRESS_BODY_PARSER_LIMIT: '64mb',
    EXPRESS_MORGAN_DIRECTORY: path.join(os.tmpdir(), `learning-locker-${process.pid}`),
    EXPRESS_PORT: '0',
    LL_CLIENT_INFO_ENDPOINT: `http://127.0.0.1:${accounts.address().port}/`,
    MODELS_REPO: 'memory',
    STORAGE_REPO: 'local',
    WINSTON_CONSOLE_LEVEL: 'error',
  });
  // It listens on every interface and does not say where: bind it to this machine only, and say it.
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function listenLocally(port, callback) {
    return listen.call(this, 0, '127.0.0.1', () => {
      callback();
      process.stdout.write(`${this.address().port}\n`);
    });
  };
  require(require.resolve('@learninglocker/xapi-statements', { paths: [process.cwd()] }));
});
