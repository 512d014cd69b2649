/** How S3 is reached according to the configuration. Credentials are no part of it: they come from the environment or ~/.aws. */
import type { S3Options } from '../backup/store/s3-options.js';
import type { Config } from '../config/schema.js';

export function s3Options(config: Config): S3Options {
  const { endpoint, region, path_style: forcePathStyle } = config['backup.s3'];
  return endpoint === '' ? { region } : { endpoint, region, forcePathStyle };
}
