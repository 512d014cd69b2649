/** Statements that the parser knows and LumaDB does not: the error says in SQL's words what it is. */
import type { Node } from '@pgsql/types';
import { kindOf, locationOf } from '../parse/nodes.js';
import { notSupported } from './errors.js';

const WORDS: Readonly<Record<string, string>> = {
  CopyStmt: 'COPY',
  GrantStmt: 'GRANT and REVOKE',
  GrantRoleStmt: 'GRANT and REVOKE',
  VariableSetStmt: 'SET',
  VariableShowStmt: 'SHOW',
  CreateTableAsStmt: 'CREATE TABLE AS',
  ViewStmt: 'CREATE VIEW',
  CreateSchemaStmt: 'CREATE SCHEMA',
  CreateSeqStmt: 'CREATE SEQUENCE',
  AlterSeqStmt: 'ALTER SEQUENCE',
  CreateFunctionStmt: 'CREATE FUNCTION',
  CreateTrigStmt: 'CREATE TRIGGER',
  CreateRoleStmt: 'CREATE ROLE',
  AlterRoleStmt: 'ALTER ROLE',
  DropRoleStmt: 'DROP ROLE',
  CreatedbStmt: 'CREATE DATABASE',
  DropdbStmt: 'DROP DATABASE',
  CreateExtensionStmt: 'CREATE EXTENSION',
  CreateEnumStmt: 'CREATE TYPE',
  CompositeTypeStmt: 'CREATE TYPE',
  CreateDomainStmt: 'CREATE DOMAIN',
  RenameStmt: 'RENAME',
  AlterObjectSchemaStmt: 'SET SCHEMA',
  AlterOwnerStmt: 'OWNER TO',
  CommentStmt: 'COMMENT',
  PrepareStmt: 'PREPARE',
  ExecuteStmt: 'EXECUTE',
  DeallocateStmt: 'DEALLOCATE',
  DeclareCursorStmt: 'DECLARE CURSOR',
  FetchStmt: 'FETCH',
  ClosePortalStmt: 'CLOSE',
  ListenStmt: 'LISTEN',
  UnlistenStmt: 'UNLISTEN',
  NotifyStmt: 'NOTIFY',
  LockStmt: 'LOCK',
  VacuumStmt: 'VACUUM and ANALYZE',
  ReindexStmt: 'REINDEX',
  ClusterStmt: 'CLUSTER',
  CheckPointStmt: 'CHECKPOINT',
  DiscardStmt: 'DISCARD',
  DoStmt: 'DO',
  CallStmt: 'CALL',
  MergeStmt: 'MERGE',
  RuleStmt: 'CREATE RULE',
  CreatePolicyStmt: 'CREATE POLICY',
  CreateStatsStmt: 'CREATE STATISTICS',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  SecLabelStmt: 'SECURITY LABEL',
  LoadStmt: 'LOAD',
};

const TRANSACTIONS: Readonly<Record<string, string>> = {
  TRANS_STMT_BEGIN: 'BEGIN',
  TRANS_STMT_START: 'START TRANSACTION',
  TRANS_STMT_COMMIT: 'COMMIT',
  TRANS_STMT_ROLLBACK: 'ROLLBACK',
  TRANS_STMT_SAVEPOINT: 'SAVEPOINT',
  TRANS_STMT_RELEASE: 'RELEASE SAVEPOINT',
  TRANS_STMT_ROLLBACK_TO: 'ROLLBACK TO SAVEPOINT',
};

export function unsupportedStatement(statement: Node): Error {
  const kind = kindOf(statement);
  // A statement that has no place of its own begins where the text does.
  const location = locationOf(statement) ?? 0;
  if (kind === 'TransactionStmt') {
    const { kind: which = '' } = (statement as { TransactionStmt: { kind?: string } }).TransactionStmt;
    return notSupported(
      `${TRANSACTIONS[which] ?? 'a transaction statement'} (each statement commits by itself)`,
      location,
    );
  }
  return notSupported(WORDS[kind] ?? kind.replace(/Stmt$/, ''), location);
}
