// Reads a JSON array of statements from stdin. Prints, for each, the warnings of Learning Locker's validation.
'use strict';

const { statement } = require(
  require.resolve('@learninglocker/xapi-validation/dist/factory', { paths: [process.cwd()] }),
);

const statements = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const shown = (warning) => {
  const kind = typeof warning.type === 'function' ? warning.type.name : warning.type;
  return `${warning.path.join('.')} ${warning.constructor.name} ${kind || ''}`.trim();
};
process.stdout.write(JSON.stringify(statements.map((value) => statement(value, []).map(shown))));
