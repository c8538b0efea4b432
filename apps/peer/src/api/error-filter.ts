import { type ArgumentsHost, Catch, Inject, type RpcExceptionFilter } from '@nestjs/common';
import { StarlingError } from '@starling/client';
import { type Observable, throwError } from 'rxjs';
import type { Logs } from '../logs/logs.ts';
import { LOGS } from '../tokens.ts';

/** Lets errors through to the strategy as they are, where Nest would make every one "Internal server error". */
@Catch()
export class ErrorFilter implements RpcExceptionFilter {
  readonly #logs: Logs;

  constructor(@Inject(LOGS) logs: Logs) {
    this.#logs = logs;
  }

  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    if (!(error instanceof StarlingError)) this.#logs.api.error({ err: error }, 'a call of the API failed');
    return throwError(() => error);
  }
}
