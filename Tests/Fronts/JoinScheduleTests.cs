using System.Text.Json;
using CsCheck;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Fronts;

/// <summary>
/// The promise of the protocol, over random schedules: between one <c>room_joined</c> and the next a connection sees the seqs of that epoch one by one,
/// whatever the feed loses, doubles or brings late, while sessions join, leave, come again and look back, logs are trimmed and lost, and reads are slow or fail.
/// </summary>
public sealed class JoinScheduleTests
{
    private static readonly Gen<(Step Step, int Who, int Number)[]> Schedules = Gen.Select(
        Gen.Frequency(
            (6, Gen.Const(Step.Publish)), (6, Gen.Const(Step.Deliver)), (2, Gen.Const(Step.Lose)), (2, Gen.Const(Step.Delay)), (1, Gen.Const(Step.Double)),
            (5, Gen.Const(Step.Join)), (5, Gen.Const(Step.LookBack)), (5, Gen.Const(Step.Recover)), (2, Gen.Const(Step.Leave)), (2, Gen.Const(Step.Renew)),
            (1, Gen.Const(Step.Trim)), (1, Gen.Const(Step.LoseLog)), (6, Gen.Const(Step.FinishRead)), (1, Gen.Const(Step.FailRead)), (2, Gen.Const(Step.LetRun))),
        Gen.Int[0, 2],
        Gen.Int[0, 12]).Array[5, 80];

    private enum Step
    {
        Publish,
        Deliver,
        Lose,
        Delay,
        Double,
        Join,
        LookBack,
        Recover,
        Leave,
        Renew,
        Trim,
        LoseLog,
        FinishRead,
        FailRead,
        LetRun,
    }

    [Fact]
    public async Task Every_seat_sees_every_seq_once_and_in_order() =>
        await Schedules.SampleAsync(async schedule => await new Run().RunAsync(schedule), iter: 400, threads: 2);

    private sealed class Run
    {
        private readonly TestFront _front = new();
        private readonly FakeRoom _room;
        private readonly TestSession[] _sessions;
        private readonly Task[] _requests = [Task.CompletedTask, Task.CompletedTask, Task.CompletedTask];
        private readonly List<FeedEvent.Published> _feed = [];
        private readonly Queue<TaskCompletionSource> _reads = [];
        private bool _isOver;

        public Run()
        {
            _sessions = [_front.Connect("alice"), _front.Connect("alice"), _front.Connect("bob")];
            _room = _front.Cluster.Room("lobby");
            _room.OnRead = () =>
            {
                lock (_reads)
                {
                    if (_isOver)
                        return Task.CompletedTask;
                    var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _reads.Enqueue(read);
                    return read.Task;
                }
            };
        }

        public async Task RunAsync((Step Step, int Who, int Number)[] schedule)
        {
            foreach (var (step, who, number) in schedule)
                await TakeAsync(step, who, number);

            lock (_reads)
            {
                _isOver = true;
                while (_reads.TryDequeue(out var read))
                    read.TrySetResult();
            }

            await Task.WhenAll(_requests).Soon("all requests are answered");
            var (epoch, head) = _room.Head;
            foreach (var local in _front.Hub.Rooms)
                await local.Claim.RenewAsync().Soon("the lease is renewed");
            try
            {
                await _front.UntilAsync(() => _sessions.All(session => Seen.By(session) is not { IsIn: true } seen || (seen.Epoch, seen.Seq) == (epoch, head)), $"everyone who is in has seen {head} of {epoch}");
            }
            catch (TimeoutException e)
            {
                throw new InvalidOperationException(string.Join("\n\n", _sessions.Select(session => string.Join('\n', session.Frames))), e);
            }
        }

        private async Task TakeAsync(Step step, int who, int number)
        {
            switch (step)
            {
                case Step.Publish:
                    _feed.Add(_room.Append(number + 1));
                    break;
                case Step.Deliver when _feed.Count > 0:
                    _front.Hub.OnFeedEvent(_feed[0]);
                    _feed.RemoveAt(0);
                    break;
                case Step.Lose when _feed.Count > 0:
                    _feed.RemoveAt(0);
                    break;
                case Step.Delay when _feed.Count > 1:
                    (_feed[0], _feed[^1]) = (_feed[^1], _feed[0]);
                    break;
                case Step.Double when _feed.Count > 0:
                    _feed.Add(_feed[0]);
                    break;
                case Step.Join:
                    Ask(who, """{"type":"join_room","id":"plain","payload":{"room":"lobby"}}""");
                    break;
                case Step.LookBack:
                    Ask(who, $$$"""{"type":"join_room","payload":{"room":"lobby","history":{{{number}}}}}""");
                    break;
                case Step.Recover:
                    var (epoch, head) = _room.Head;
                    Ask(who, $$$"""{"type":"join_room","id":"{{{Math.Max(0, head - number)}}}","payload":{"room":"lobby","since":{{{Math.Max(0, head - number)}}},"epoch":"{{{epoch}}}"}}""");
                    break;
                case Step.Leave:
                    Ask(who, """{"type":"leave_room","payload":{"room":"lobby"}}""");
                    break;
                case Step.Renew:
                    foreach (var local in _front.Hub.Rooms)
                        local.Claim.Renew();
                    break;
                case Step.Trim:
                    _room.Trim(number);
                    break;
                case Step.LoseLog:
                    _room.Lose();
                    _feed.RemoveAll(_ => number > 6);
                    break;
                case Step.FinishRead or Step.FailRead:
                    lock (_reads)
                    {
                        if (!_reads.TryDequeue(out var read))
                            break;
                        if (step == Step.FinishRead)
                            read.TrySetResult();
                        else
                            read.TrySetException(new TimeoutException());
                    }

                    break;
                default:
                    for (var i = 0; i < number; i++)
                    {
                        _front.Time.Advance(TimeSpan.FromMilliseconds(20));
                        await Task.Yield();
                    }

                    break;
            }
        }

        /// <summary>A connection's frames are taken one after the other.</summary>
        private void Ask(int who, string json)
        {
            var before = _requests[who];
            _requests[who] = Task.Run(async () =>
            {
                await before;
                await _sessions[who].SendAsync(json);
            });
        }
    }

    /// <summary>What a client makes of its frames; throws where the promise is broken.</summary>
    private sealed record Seen(bool IsIn, string Epoch, long Seq)
    {
        public static Seen By(TestSession session)
        {
            var (seen, next) = (new Seen(IsIn: false, "", 0), (long?)null);
            foreach (var json in session.Frames)
            {
                using var document = JsonDocument.Parse(json);
                var frame = document.RootElement;
                switch (frame.GetProperty("type").GetString())
                {
                    case "room_joined":
                        var recovered = frame.TryGetProperty("recovered", out var value) ? value.GetBoolean() : (bool?)null;
                        var (epoch, head) = (frame.GetProperty("epoch").GetString()!, frame.GetProperty("seq").GetInt64());
                        var id = frame.TryGetProperty("id", out value) ? value.GetString() : null;
                        // A join without a wish, of who is in already, is answered and changes nothing.
                        if (id == "plain" && seen.IsIn && seen.Epoch == epoch && next is not null && head + 1 != next)
                            throw new InvalidOperationException($"{next} was due, and a second join says {head}:\n{string.Join('\n', session.Frames)}");
                        // Who looks back hears by the first message where it begins; who is told of a hole, too.
                        next = id == "plain" ? head + 1 : recovered == true ? long.Parse(id!) + 1 : null;
                        seen = new Seen(IsIn: true, epoch, head);
                        break;
                    case "room_left":
                        seen = seen with { IsIn = false };
                        break;
                    case "chat_message":
                        var seq = frame.GetProperty("seq").GetInt64();
                        if (!seen.IsIn || (next is not null && seq != next))
                            throw new InvalidOperationException($"{seq} came where {next} was due (is in: {seen.IsIn}):\n{string.Join('\n', session.Frames)}");
                        if (frame.GetProperty("message").GetString() != $"{seen.Epoch}/{seq}")
                            throw new InvalidOperationException($"{json} is not of epoch {seen.Epoch}:\n{string.Join('\n', session.Frames)}");
                        (seen, next) = (seen with { Seq = seq }, seq + 1);
                        break;
                    case "error" when frame.GetProperty("code").GetString() is "unavailable" or "not_in_room":
                        break;
                    default:
                        throw new InvalidOperationException(json);
                }
            }

            return seen;
        }
    }
}
