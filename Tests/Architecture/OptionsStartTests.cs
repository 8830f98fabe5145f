using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Architecture;

/// <summary>A bad value stops the process at start, with a sentence that names the key.</summary>
public sealed class OptionsStartTests
{
    /// <summary>Every option with bounds: one below, one above, one that is no value at all.</summary>
    public static TheoryData<string, string> OutOfRange
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var option in OptionKey.All.DistinctBy(option => option.Key, StringComparer.Ordinal))
            {
                if (option.Range is not var (min, max))
                    continue;
                rows.Add(option.Key, Text(Step(min, -1)));
                if (max is not long.MaxValue)
                    rows.Add(option.Key, Text(Step(max, +1)));
            }

            return rows;
        }
    }

    /// <summary>Every option that is no text.</summary>
    public static TheoryData<string> NoText =>
        [.. OptionKey.All.DistinctBy(option => option.Key, StringComparer.Ordinal).Where(option => option.Property.PropertyType.IsValueType).Select(option => option.Key)];

    /// <summary>What bounds cannot say.</summary>
    public static TheoryData<string, string> Others => new()
    {
        { "Chat:DataSync", "sometimes" },
        { "Chat:DataSync", "FULL" },
        { "Chat:DataPath", "" },
        { "Chat:HeartbeatInterval", "30" }, // a time span of one number is days
        { "Auth:SigningKey", "too short" },
        { "Auth:JwksUri", "keys.json" },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    [MemberData(nameof(Others))]
    public async Task A_value_out_of_range_stops_the_start_in_a_sentence_that_names_the_key(string key, string value)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(key, value));
        Assert.Contains(refused.Failures, sentence => Names(sentence, key));
    }

    [Theory]
    [MemberData(nameof(NoText))]
    public async Task A_value_of_another_kind_stops_the_start_and_names_the_key(string key)
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(key, "many"));
        Assert.Contains(key, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_number_and_time_has_bounds() =>
        Assert.Empty(OptionKey.All.Where(option => option.Property.PropertyType.IsValueType && option.Range is null)
            .Where(option => (Nullable.GetUnderlyingType(option.Property.PropertyType) ?? option.Property.PropertyType) != typeof(bool)).Select(option => option.Key));

    [Fact]
    public void A_key_that_two_records_read_has_one_default_and_one_range()
    {
        var shared = OptionKey.All.GroupBy(option => option.Key, StringComparer.Ordinal).Where(group => group.Count() > 1).ToList();
        Assert.Equal(["Chat:MessageChars"], shared.Select(group => group.Key), StringComparer.Ordinal);
        Assert.All(shared, group => Assert.Single(group.Select(option => (option.Default, option.Range)).Distinct()));
    }

    private static async Task StartAsync(string key, string value)
    {
        await using var app = FrontApp.Build(
            ["--environment=Development", "--urls=http://127.0.0.1:0", "--Chat:DataPath=:memory:", $"--{key}={value}"],
            builder => builder.Logging.ClearProviders());
        await app.StartAsync(TestContext.Current.CancellationToken).Soon("the start is refused");
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    private static bool Names(string sentence, string key) =>
        sentence.Contains($"{key} must ", StringComparison.Ordinal) || sentence.Contains($"{key} has ", StringComparison.Ordinal);

    private static object Step(object value, int by) => value switch
    {
        int number => number + by,
        long number => number + by,
        TimeSpan time => time + TimeSpan.FromMilliseconds(by),
        _ => throw new NotSupportedException($"{value.GetType().Name} has no next value."),
    };

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
