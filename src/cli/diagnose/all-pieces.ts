/** Which pieces an archive has, in the order in which they are made: what changes fastest comes first. */
import { configPieces, type EnvironmentOf, readConfigFile } from './config-pieces.js';
import { logPieces } from './log-pieces.js';
import { machinePieces } from './machine-pieces.js';
import type { Piece } from './piece.js';
import { environmentOf, processPieces, type ThreadNames } from './process-pieces.js';
import type { Redactor } from './redactor.js';
import { serverPieces } from './server-pieces.js';
import { storagePieces } from './storage-pieces.js';
import type { Subject } from './subject.js';

/** Tells the redactor what it has to look for, too. `configFile`: as given on the command line. */
export function allPieces(subject: Subject, configFile: string | undefined, redactor: Redactor): Piece[] {
  const { server, isHere, pid, dataDirectory, logDirectory, config } = subject;
  const environment: EnvironmentOf = pid === null ? null : environmentOf(pid);
  const file = readConfigFile(configFile);
  redactor.learn(process.env);
  redactor.learn(environment);
  redactor.learn(file.content);
  // By which this command may ask the server.
  redactor.learn({ token: server?.target.token });
  if (!(config instanceof Error)) redactor.learn(config.config);
  const fromServer = server === undefined ? [] : serverPieces(server);
  if (!isHere) return fromServer;
  return [
    ...(pid === null ? [] : processPieces(pid, threadNames(server))),
    ...fromServer,
    ...configPieces(subject, file, environment),
    ...logPieces(logDirectory),
    ...storagePieces(dataDirectory),
    ...machinePieces(pid, dataDirectory),
  ];
}

function threadNames(server: Subject['server']): ThreadNames {
  const threads =
    server === undefined || server.diagnostics instanceof Error
      ? []
      : (server.diagnostics.body.threads ?? []);
  return new Map(
    threads.flatMap(({ name, os_thread_id: id }) => (typeof id === 'number' ? [[id, name]] : [])),
  );
}
