/**
 * A server and the document that describes it: every request goes to the one and is held, with its answer, against the other.
 * What does not agree is thrown, so that a call that returns is one that the document tells the truth about.
 */
import type { Answer, RequestOptions } from './http.js';
import { asJson, type DescribedOperation, type OpenApi } from './openapi-document.js';
import type { TestServer } from './server.js';

/** Headers of answers that clients go by: none of them may come without being described. */
const TELLING_HEADERS = /^(etag|retry-after|www-authenticate|x-(request-id|lumadb-.*))$/;

export class DescribedServer {
  /** Of the operations that were called, which statuses came back. */
  readonly answered = new Map<string, Set<number>>();

  constructor(
    private readonly server: TestServer,
    private readonly api: OpenApi,
  ) {}

  async call(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const operation = this.api.find(method, path);
    if (operation === undefined) throw new Error(`${method} ${path} is not described`);
    const answer = await this.server.request(method, path, options);
    const faults = [
      ...this.answerFaults(operation, answer),
      ...this.requestFaults(operation, options, answer.status),
    ];
    if (faults.length > 0)
      throw new Error(
        `${method} ${path} → ${answer.status} ${answer.text.slice(0, 500)}: ${faults.join('; ')}`,
      );
    const { operationId } = operation.object;
    this.answered.set(operationId, (this.answered.get(operationId) ?? new Set()).add(answer.status));
    return answer;
  }

  private answerFaults({ pointer, object }: DescribedOperation, answer: Answer): string[] {
    const status = String(answer.status);
    if (!(status in object.responses)) return ['this status is not described'];
    const described = this.api.resolve(`${pointer}/responses/${status}`);
    return [
      ...this.headerFaults(described.pointer, asJson(described.value['headers']), answer),
      ...this.bodyFaults(described.pointer, asJson(described.value['content']), answer),
    ];
  }

  private headerFaults(pointer: string, described: object, { headers }: Answer): string[] {
    const names = Object.keys(described);
    const known = names.map((name) => name.toLowerCase());
    const unknown = Object.keys(headers).filter(
      (name) => TELLING_HEADERS.test(name) && !known.includes(name),
    );
    const wrong = names.map((name) => {
      const header = this.api.resolve(`${pointer}/headers/${name}`);
      const value = headers[name.toLowerCase()];
      if (value === undefined) return header.value['required'] === true ? `${name} is missing` : '';
      const fault = this.api.faultOf(`${header.pointer}/schema`, value);
      return fault === '' ? '' : `${name}: ${fault}`;
    });
    return [...unknown.map((name) => `${name} is not described`), ...wrong.filter((fault) => fault !== '')];
  }

  private bodyFaults(pointer: string, described: object, answer: Answer): string[] {
    const types = Object.keys(described);
    if (types.length === 0) return answer.body.length === 0 ? [] : ['no body is described'];
    const type = (answer.headers['content-type'] ?? '').replace(/;.*/, '');
    if (!types.includes(type)) return [`its media type ${type} is not described`];
    const value = type === 'application/json' ? answer.json : answer.text;
    const fault = this.api.faultOf(`${pointer}/content/${type.replace('/', '~1')}/schema`, value);
    return fault === '' ? [] : [fault];
  }

  /** What the document forbids the server has to refuse, and what the server takes the document has to allow. */
  private requestFaults(operation: DescribedOperation, { body }: RequestOptions, status: number): string[] {
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return [];
    if (operation.object['requestBody'] === undefined) return ['no body of the request is described'];
    const pointer = `${operation.pointer}/requestBody/content/application~1json/schema`;
    const fault = this.api.faultOf(pointer, body);
    return fault === '' || status >= 400 ? [] : [`the request was taken, and by the document: ${fault}`];
  }
}
