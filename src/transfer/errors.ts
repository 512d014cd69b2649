/** The error class of calls to the server, for those who use this folder and not the client. */
export { LumaDbError } from '../client/error.js';
