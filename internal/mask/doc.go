// Package mask hides the secrets in what is shown of requests and responses.
package mask
