#!/bin/sh
# Talks with what echoes behind a port of this machine: talk.sh PORT. A line each half second over one connection,
# and over another one when that breaks. What came back is in /tmp/talk: the connection's number, and the line's.
connection=0
while :; do
    connection=$((connection + 1))
    line=0
    while :; do
        line=$((line + 1))
        echo "$connection $line"
        sleep 0.5
    done | nc 127.0.0.1 "$1" >>/tmp/talk
    sleep 0.5
done
