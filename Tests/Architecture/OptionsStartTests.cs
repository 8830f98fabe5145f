using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansChat.Silo;
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
        { "Chat:AllowedOrigins:0", "chat.example.org" },
        { "Chat:AllowedOrigins:0", "https://chat.example.org/page" },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    [MemberData(nameof(Others))]
    public void A_value_out_of_range_is_refused_in_a_sentence_that_names_the_key(string key, string value)
    {
        var refused = Assert.ThrowsAny<Exception>(() => ProductOptions.Validate(key, value));
        var failures = (refused as AggregateException)?.InnerExceptions ?? [refused]; // two records may read one key
        Assert.All(failures.Cast<OptionsValidationException>(), failure => Assert.Contains(failure.Failures, sentence => Names(sentence, key.Split(":0")[0])));
    }

    [Theory]
    [MemberData(nameof(NoText))]
    public void A_value_of_another_kind_is_refused_and_the_key_named(string key)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => ProductOptions.Validate(key, "many"));
        Assert.Contains(key, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Chat:FrameBytes", "1")]
    [InlineData("Chat:RoomLogLength", "0")]
    [InlineData("Auth:SigningKey", "too short")]
    public async Task What_is_refused_stops_the_start_of_a_front(string key, string value)
    {
        await using var app = FrontApp.Build([.. ProductOptions.Good, $"--{key}={value}"], builder => builder.Logging.ClearProviders());
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken).Soon("the start is refused"));
        Assert.Contains(refused.Failures, sentence => Names(sentence, key));
    }

    [Fact]
    public async Task What_is_refused_stops_the_start_of_a_silo()
    {
        await using var app = SiloApp.Build(["--ConnectionStrings:Redis=127.0.0.1:1", "--Chat:RoomLogLength=0", "--Logging:Console:LogLevel:Default=None"]);
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken).Soon("the start is refused"));
        Assert.Contains(refused.Failures, sentence => Names(sentence, "Chat:RoomLogLength"));
    }

    [Fact]
    public void What_is_good_is_not_refused()
    {
        ProductOptions.Validate("Chat:AllowedOrigins:0", "https://chat.example.org:8443");
        ProductOptions.Validate("Chat:AllowedOrigins:0", "*");
        foreach (var option in OptionKey.All.Where(option => option.Range is not null))
        {
            ProductOptions.Validate(option.Key, Text(option.Range!.Value.Min));
            ProductOptions.Validate(option.Key, Text(option.Range!.Value.Max));
        }
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
