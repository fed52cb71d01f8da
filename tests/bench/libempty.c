/* SPDX-License-Identifier: MIT
 *
 * Does nothing: the cost of loading the library is compared with the cost of loading
 * this.
 */
extern int libempty;
int libempty;
