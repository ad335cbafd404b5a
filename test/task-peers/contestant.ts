/** The end of a job, as the system itself tells it. */
export type End = 'done' | 'failed'

/** A system that runs the saga: its services are up, and no worker is. */
export interface Contestant extends AsyncDisposable {
  readonly title: string
  /** Starts a worker. Resolves when it takes jobs. */
  startWorker(): Promise<void>
  /** Kills the worker by SIGKILL. Resolves when it is gone. */
  killWorker(): Promise<void>
  /** Starts a job under its id. */
  enqueue(job: string): Promise<void>
  /** Undefined while the job goes on. */
  endOf(job: string): Promise<End | undefined>
}

/** Address of the outside, and a directory that belongs to the contestant alone. */
export interface Ground {
  readonly outsideUrl: string
  readonly directory: string
}
